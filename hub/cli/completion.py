"""`pygent completion`: the script that lets a shell complete commands, names and ids."""

import sys
from enum import StrEnum
from typing import Annotated

import typer
from typer.completion import get_completion_script  # pyright: ignore[reportPrivateImportUsage]  what --show-completion prints

app = typer.Typer(rich_markup_mode="markdown")

PROGRAM = "pygent"


class Shell(StrEnum):
    """The shells that are known."""

    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


@app.command()
def completion(
    shell: Annotated[Shell, typer.Argument(help="The shell that shall complete.")],
) -> None:
    """Print a script that completes commands, options, agents, collections and task ids.

    `pygent --install-completion` puts it where the shell you are in looks for it; this prints it,
    for a place of your own. Names and ids come from the running factory.

    Example: `pygent completion bash > ~/.local/share/bash-completion/completions/pygent`
    """
    script = get_completion_script(
        prog_name=PROGRAM, complete_var=f"_{PROGRAM.upper()}_COMPLETE", shell=shell.value
    )
    sys.stdout.write(script + "\n")
