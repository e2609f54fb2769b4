"""The `pygent` command: everything together, each part alone, and a client of a running factory."""

import typer

from hub.cli import agents, ask, doctor, keys, knowledge, parts, tasks, up

app = typer.Typer(
    help="The live control room for AI agents.\n\n"
    "`pygent up` starts everything. The other commands are the parts alone, or clients of a"
    " running factory: PYGENT_URL and PYGENT_API_KEY name one, else it is the one that runs on"
    " the data directory (PYGENT_DATA_DIR, default `.pygent`).",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)
for part in (up, parts, doctor, ask, knowledge, keys):
    app.add_typer(part.app)
app.add_typer(agents.app, name="agents")
app.add_typer(tasks.app, name="tasks")


def run() -> None:
    """Run the command and leave with its exit code."""
    app()


if __name__ == "__main__":
    run()
