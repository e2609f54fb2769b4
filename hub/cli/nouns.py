"""Groups of commands about one thing, and the other names by which people look for them.

What is listed and documented is one name each. Who types `task show` or `tasks list` is understood.
"""

from typing import Any

from typer.core import TyperCommand, TyperGroup

SINGULAR = {
    "task": "tasks",
    "agent": "agents",
    "conversation": "conversations",
    "collection": "collections",
    "document": "documents",
    "model": "models",
    "channel": "channels",
    "client": "clients",
    "namespace": "namespaces",
    "tokens": "token",
    "projection": "projections",
}
OTHERWISE = {"list": "ls", "get": "show", "rm": "delete"}


class Noun(TyperGroup):
    """A group whose commands answer to their other names, too."""

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        """The command, or the one it is another name of."""
        found: Any = super().get_command(ctx, cmd_name)
        if found is None and cmd_name in OTHERWISE:
            found = super().get_command(ctx, OTHERWISE[cmd_name])
        return found
