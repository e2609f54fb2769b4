"""What a part does first, by whomever it was started."""

from typing import Annotated

import typer

from hub.cli.reach import require_migrated
from hub.cli.running.parent import stop_with_parent
from hub.settings import HubSettings

Supervised = Annotated[
    bool,
    typer.Option("--supervised", hidden=True, help="Stop when standard input ends."),
]


async def begin(settings: HubSettings, *, supervised: bool) -> None:
    """Whoever starts a part learns at once what it lacks; its supervisor has looked already."""
    if supervised:
        stop_with_parent()
    else:
        await require_migrated(settings)
