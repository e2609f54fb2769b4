"""What listens, alone against shared servers: hub and dashboard.

Apart from the other parts, which need nothing of what a server is made of and start sooner so.
"""

from typing import Annotated

import typer

from hub.cli.exits import command
from hub.cli.reach import require_free_port
from hub.cli.running import compose
from hub.cli.running.alone import Supervised, begin
from hub.cli.running.parent import stop_with_parent
from hub.cli.running.production import require_safe
from hub.cli.running.serve import serve, serve_pages
from hub.cli.settings import UpSettings
from hub.settings import HubSettings

app = typer.Typer(rich_markup_mode="markdown")


@app.command()
@command
async def hub(
    with_dashboard: Annotated[
        bool, typer.Option("--with-dashboard", help="Serve the pages on the same port.")
    ] = False,
    supervised: Supervised = False,
) -> None:
    """Run a hub: WebSocket, SSE and REST. Any number may run.

    Example: `PYGENT_DATABASE_URL=… PYGENT_REDIS_URL=… pygent hub --with-dashboard`
    """
    settings = HubSettings()
    require_safe(settings)
    await begin(settings, supervised=supervised)
    site = compose.require_site(UpSettings().site_dir) if with_dashboard else None
    require_free_port(settings.host, settings.port)
    await serve(settings, site=site)


@app.command()
@command
async def dashboard(supervised: Supervised = False) -> None:
    """Serve the pages alone; PYGENT_PUBLIC_URL is the address of hub and pages together.

    Put both behind one address: `/api`, `/auth`, `/connection` and `/health` go to a hub, the rest
    comes here.

    Example: `PYGENT_PUBLIC_URL=https://factory.example PYGENT_PORT=8001 pygent dashboard`
    """
    if supervised:
        stop_with_parent()
    settings = HubSettings()
    require_safe(settings)
    site = compose.require_site(UpSettings().site_dir)
    require_free_port(settings.host, settings.port)
    await serve_pages(settings, site=site)
