"""A hub, or the pages alone, on an address, until a signal; sockets are drained before it stops."""

from pathlib import Path

from anyio.lowlevel import checkpoint

from hub.app import application
from hub.cli.running import compose
from hub.server import HubServer, server_config
from hub.settings import HubSettings
from hub.telemetry import configure_logging


async def serve(settings: HubSettings, *, site: Path | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    Args:
        settings: Where to listen, and on what to stand.
        site: The built pages, when they are served on the same port.
    """
    configure_logging(settings.log_format, settings.log_level, file=settings.log_file)
    dashboard = compose.open_dashboard(site) if site else None
    app = application(settings, dashboard=dashboard)
    config = server_config(
        app, host=settings.host, port=settings.port, trusted_proxies=settings.trusted_proxies
    )
    await HubServer(config, drain=app.state.hub.drain).serve()


async def serve_pages(settings: HubSettings, *, site: Path) -> None:
    """Serve the built pages alone until a signal; data and login come from a hub."""
    configure_logging(settings.log_format, settings.log_level, file=settings.log_file)
    pages = compose.open_dashboard(site)
    config = server_config(pages, host=settings.host, port=settings.port)
    await HubServer(config, drain=checkpoint).serve()
