"""`pygent status` and `pygent whoami`: the running factory as its hub sees it, and who asks.

`doctor` looks from outside at what a factory needs; here the hub tells how its parts are.
"""

import typer
from rich.text import Text

from hub.cli import answers, drawing, tables
from hub.cli.answers import AsJson
from hub.cli.client import named, opened
from hub.cli.exits import EXIT_FAILED, command
from protocols.operations.system import Part, PartState

app = typer.Typer(rich_markup_mode="markdown")

STYLE = {
    PartState.WELL: ("✓", "green"),
    PartState.LATE: ("·", "yellow"),
    PartState.DOWN: ("✕", "red"),
    PartState.UNKNOWN: ("?", "yellow"),
}


@app.command()
@command
async def status(as_json: AsJson = False) -> None:
    """Look at every part of the running factory; exit code 1 when one is down.

    Example: `pygent status`
    """
    async with opened() as client:
        found = await client.systems.system()
    if as_json:
        answers.say(found)
    else:
        tables.table(
            ["Part", "State", "Answers in", "Version", "What was seen"], _rows(found.parts)
        )
        for part in found.parts:
            if part.cure:
                drawing.err.print(f"{part.title}: {part.cure}", style="yellow", markup=False)
    if any(part.state is PartState.DOWN for part in found.parts):
        raise typer.Exit(EXIT_FAILED)


def _rows(parts: list[Part]) -> list[list[str | Text]]:
    rows: list[list[str | Text]] = []
    for part in parts:
        icon, style = STYLE[part.state]
        took = "" if part.seconds is None else f"{part.seconds * 1000:.1f} ms"
        state = Text(f"{icon} {part.state.value}", style)
        rows.append([part.title, state, took, part.version or "", part.sentence])
    return rows


@app.command()
@command
async def whoami(as_json: AsJson = False) -> None:
    """Say which factory answers, and as whom the commands ask it.

    Example: `pygent whoami`
    """
    url = named().url
    async with opened() as client:
        me = await client.me()
    if as_json:
        answers.say({"url": url, **me.model_dump(mode="json")})
        return
    tables.facts(
        {
            "Factory": url,
            "As": f"{me.name} ({me.actor})",
            "Role": me.role.value,
            "Team": str(me.team),
        }
    )
