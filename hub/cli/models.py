"""`pygent models`: where models can come from, and whether one of them answers."""

from typing import Annotated

import typer

from hub.cli import answers, drawing, tables
from hub.cli.answers import AsJson
from hub.cli.client import opened
from hub.cli.exits import EXIT_FAILED, command
from hub.cli.nouns import Noun

app = typer.Typer(
    help="Models: where they come from, and whether they answer.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    cls=Noun,
    add_completion=False,
)


@app.command("ls")
@command
async def list_providers(as_json: AsJson = False) -> None:
    """List the providers of models, and the variable that configures each.

    Example: `pygent models ls`
    """
    async with opened() as client:
        found = await client.models()
    if as_json:
        answers.say(found)
        return
    tables.table(
        ["Provider", "Configured", "By"],
        [
            [one.name, "yes" if one.is_configured else "no", one.variable or "built in"]
            for one in found.items
        ],
    )


@app.command("test")
@command
async def try_model(
    model: Annotated[str, typer.Argument(help="As in a spec: `provider:name`, or `extractive`.")],
    as_json: AsJson = False,
) -> None:
    """Let a worker ask a model for one word, with the keys of its own environment.

    Exit code 1 when it does not answer. It costs what a short call costs.

    Example: `pygent models test openai:gpt-4.1-mini`
    """
    async with opened() as client:
        tried = await client.try_model(model)
    if as_json:
        answers.say(tried)
    elif tried.is_answering:
        first = f", the first word after {tried.first_seconds:.2f} s" if tried.first_seconds else ""
        drawing.out.print(f"{model} answers in {tried.seconds:.2f} s{first}", markup=False)
    else:
        drawing.err.print(f"{model} does not answer: {tried.reason}", style="red", markup=False)
    if not tried.is_answering:
        raise typer.Exit(EXIT_FAILED)
