"""The `pygent` command: everything together, each part alone, and a client of a running factory.

A command's module is imported when that command is called: asking a question must not wait for a
hub to be imported.
"""

import importlib
import signal
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Annotated, Any, NamedTuple, cast

import typer
import typer.main
from typer.core import TyperCommand, TyperGroup

from hub.cli import answers
from hub.cli.nouns import SINGULAR
from hub.cli.version import VERSION
from protocols.errors import InvalidRequest

EXIT_USAGE = 2
START, ASK, LOOK, KEEP = "Start", "Ask and watch", "Look around", "Keep it running"


class _Command(NamedTuple):
    module: str
    help: str
    panel: str


COMMANDS = {
    "up": _Command("running.up", "Start everything and print a link that logs you in.", START),
    "doctor": _Command("doctor", "Check this machine and the servers, and say the cure.", START),
    "login-link": _Command("keys", "Print a link that logs the owner in, once.", START),
    "run": _Command("ask", "Ask an agent and watch it answer.", ASK),
    "tail": _Command("ask", "Follow a task to its end.", ASK),
    "publish": _Command("channels", "Publish to a channel.", ASK),
    "top": _Command("top.command", "Watch tasks, workers and throughput live.", ASK),
    "tasks": _Command("tasks", "Tasks: requests to agents.", LOOK),
    "conversations": _Command("conversations", "Exchanges over several tasks.", LOOK),
    "agents": _Command("agents", "Agents: versioned specs.", LOOK),
    "ingest": _Command("knowledge", "Add documents to a collection.", LOOK),
    "search": _Command("knowledge", "Find passages by meaning and by words.", LOOK),
    "collections": _Command("collections", "Collections: named sets of documents.", LOOK),
    "documents": _Command("documents", "Documents of a collection.", LOOK),
    "models": _Command("models", "Models: where they come from, and whether they answer.", LOOK),
    "channels": _Command("channels", "Channels that somebody is subscribed to.", LOOK),
    "presence": _Command("channels", "Who is in a channel.", LOOK),
    "clients": _Command("channels", "Clients that are connected.", LOOK),
    "status": _Command("status", "Look at every part of the running factory.", LOOK),
    "whoami": _Command("status", "Say which factory answers, and as whom.", LOOK),
    "namespaces": _Command("namespaces", "Namespaces: which channels there can be.", KEEP),
    "token": _Command("keys", "API keys.", KEEP),
    "completion": _Command("completion", "Print a script that completes commands.", KEEP),
    "hub": _Command("serving", "Run a hub alone.", KEEP),
    "dashboard": _Command("serving", "Serve the pages alone.", KEEP),
    "worker": _Command("parts", "Run a worker alone.", KEEP),
    "scheduler": _Command("parts", "Run a scheduler alone.", KEEP),
    "migrate": _Command("parts", "Bring the database to this version.", KEEP),
    "projections": _Command("parts", "Tables folded from the log.", KEEP),
    "rotate-epoch": _Command("parts", "After a restore: let nobody continue old positions.", KEEP),
}


class LateGroup(TyperGroup):
    """A group whose commands are imported when they are called, and listed without that."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        """What the list of commands shows of one."""
        cmd_name = SINGULAR.get(cmd_name, cmd_name)
        if cmd_name not in COMMANDS:
            return None
        listed = COMMANDS[cmd_name]
        return TyperCommand(cmd_name, help=listed.help, rich_help_panel=listed.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """The real command that was called."""
        name = SINGULAR.get(args[0], args[0])
        if name in COMMANDS:
            return name, _load(name), args[1:]
        try:
            return super().resolve_command(ctx, args)
        except typer.TyperException as error:
            if near := get_close_matches(args[0], COMMANDS, n=1):
                error.message = f"{error.message} Did you mean {near[0]!r}?"
            raise

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,  # noqa: FBT001  as it is overridden
        windows_expand_args: bool = True,  # noqa: FBT001
        **extra: Any,
    ) -> Any:
        """Run; with `--json` wrong usage is a problem, too."""
        given = list(sys.argv[1:] if args is None else args)
        is_for_programs = standalone_mode and "--json" in given
        try:
            code = super().main(
                given,
                prog_name,
                complete_var,
                standalone_mode=standalone_mode and not is_for_programs,
                windows_expand_args=windows_expand_args,
                **extra,
            )
        except typer.TyperException as error:
            if not is_for_programs:
                raise
            answers.say_problem(InvalidRequest(error.format_message()))
            sys.exit(EXIT_USAGE)
        if is_for_programs:
            sys.exit(code)
        return code


def _load(name: str) -> object:
    module = importlib.import_module(f"hub.cli.{COMMANDS[name].module}")
    if signal.getsignal(signal.SIGINT) == signal.SIG_DFL:  # nothing is being imported any more
        signal.signal(signal.SIGINT, signal.default_int_handler)
    loaded = typer.main.get_command(cast("typer.Typer", module.app))
    return loaded.commands.get(name, loaded) if isinstance(loaded, TyperGroup) else loaded


def _show_version(is_asked: bool) -> None:  # noqa: FBT001  typer calls it so
    if is_asked:
        sys.stdout.write(f"pygent {VERSION}\n")
        raise typer.Exit


app = typer.Typer(
    cls=LateGroup,
    help="The live control room for AI agents.\n\n"
    "`pygent up` starts everything. The other commands are the parts alone, or clients of a"
    " running factory: PYGENT_URL and PYGENT_API_KEY name one, else it is the one that runs on"
    " the data directory (PYGENT_DATA_DIR, default `.pygent`).\n\n"
    'Example: `pygent run guide "What is an attempt?"`',
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


@app.callback()
def _top(
    version: Annotated[
        bool,
        typer.Option("--version", help="Print the version.", callback=_show_version, is_eager=True),
    ] = False,
) -> None:
    """See the help of `app`."""


def run() -> None:
    """Run the command and leave with its exit code."""
    app()


if __name__ == "__main__":
    run()
