"""The `pygent` command: everything together, each part alone, and a client of a running factory.

A command's module is imported when that command is called: asking a question must not wait for a
hub to be imported.
"""

import importlib
from typing import Any, cast

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

COMMANDS = {  # name: module, what it does
    "up": ("up", "Start everything and print a link that logs you in."),
    "run": ("ask", "Ask an agent and watch it answer."),
    "tail": ("ask", "Follow a task to its end."),
    "ingest": ("knowledge", "Add documents to a collection."),
    "search": ("knowledge", "Find passages by meaning and by words."),
    "agents": ("agents", "Agents: versioned specs."),
    "tasks": ("tasks", "Tasks: requests to agents."),
    "token": ("keys", "API keys."),
    "login-link": ("keys", "Print a link that logs the owner in, once."),
    "doctor": ("doctor", "Check this machine and the servers."),
    "hub": ("parts", "Run a hub alone."),
    "dashboard": ("parts", "Serve the pages alone."),
    "worker": ("parts", "Run a worker alone."),
    "scheduler": ("parts", "Run a scheduler alone."),
    "migrate": ("parts", "Bring the database to this version."),
    "projections": ("parts", "Tables folded from the log."),
    "rotate-epoch": ("parts", "After a restore: let nobody continue old positions."),
}


class LateGroup(TyperGroup):
    """A group whose commands are imported when they are called, and listed without that."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        """What the list of commands shows of one."""
        if cmd_name not in COMMANDS:
            return None
        return TyperCommand(cmd_name, help=COMMANDS[cmd_name][1])

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The real command that was called."""
        if args[0] in COMMANDS:
            return args[0], _load(args[0]), args[1:]
        return super().resolve_command(ctx, args)


def _load(name: str) -> object:
    module = importlib.import_module(f"hub.cli.{COMMANDS[name][0]}")
    loaded = typer.main.get_command(cast("typer.Typer", module.app))
    return loaded.commands.get(name, loaded) if isinstance(loaded, TyperGroup) else loaded


app = typer.Typer(
    cls=LateGroup,
    help="The live control room for AI agents.\n\n"
    "`pygent up` starts everything. The other commands are the parts alone, or clients of a"
    " running factory: PYGENT_URL and PYGENT_API_KEY name one, else it is the one that runs on"
    " the data directory (PYGENT_DATA_DIR, default `.pygent`).",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.callback()
def _top() -> None:
    """See the help of `app`."""


def run() -> None:
    """Run the command and leave with its exit code."""
    app()


if __name__ == "__main__":
    run()
