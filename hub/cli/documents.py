"""`pygent documents`: those of a collection listed, shown with their passages, retried, deleted."""

from typing import Annotated

import typer
from rich.text import Text

from hub.cli import answers, drawing, tables
from hub.cli.answers import AsJson, Cursor
from hub.cli.client import opened
from hub.cli.completing import collection_names
from hub.cli.exits import command
from hub.cli.nouns import Noun
from protocols.errors import InvalidRequest
from protocols.knowledge import DocumentState

app = typer.Typer(
    help="Documents of a collection.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    cls=Noun,
    add_completion=False,
)

Name = Annotated[
    str, typer.Argument(help="Name of the collection.", autocompletion=collection_names)
]
Id = Annotated[str, typer.Argument(help="Id of the document; `pygent documents ls` shows it.")]
Limit = Annotated[int, typer.Option(min=1, max=200, help="At most so many.")]


@app.command("ls")
@command
async def list_documents(
    name: Name,
    state: Annotated[DocumentState | None, typer.Option(help="Only those in this state.")] = None,
    limit: Limit = 50,
    cursor: Cursor = None,
    as_json: AsJson = False,
) -> None:
    """List a collection's documents, newest first.

    Example: `pygent documents ls manuals --state failed`
    """
    async with opened() as client:
        listing = await client.knowledge.documents(name, cursor=cursor, limit=limit, state=state)
    if as_json:
        answers.say(listing)
        return
    tables.table(
        ["Id", "State", "Passages", "Size", "Title", "Reason"],
        [
            [
                row.id,
                row.state.value,
                f"{row.chunks:,}",
                f"{row.bytes:,}",
                row.title or row.source,
                row.reason or "",
            ]
            for row in listing.items
        ],
        more=listing.next,
    )


@app.command()
@command
async def show(
    name: Name,
    document: Id,
    start: Annotated[int, typer.Option(min=0, help="Number of the first passage, from 0.")] = 0,
    limit: Limit = 50,
    as_json: AsJson = False,
) -> None:
    """Show a document and the passages it was cut into.

    Example: `pygent documents show manuals 0199aaaa-0000-7000-8000-000000000000`
    """
    async with opened() as client:
        found = await client.knowledge.document(name, document)
        passages = await client.knowledge.chunks(name, document, start=start, limit=limit)
    if as_json:
        shown = passages.model_dump(mode="json")
        answers.say({**found.model_dump(mode="json"), "passages": shown["items"]})
        return
    tables.facts(
        {
            "Title": found.title,
            "Source": found.source,
            "State": " ".join(filter(None, [found.state.value, found.stage, found.reason])),
            "Content": f"{found.media_type}, {found.bytes:,} bytes",
            "Changed": drawing.moment(found.changed_at),
            "Passages": f"{found.chunks:,}",
        }
    )
    for passage in passages.items:
        where = drawing.line(f"{passage.ordinal}  {passage.location}")
        drawing.page([Text(""), Text(where, "bold"), Text(drawing.plain(passage.text))], gap=False)
    if passages.next is not None:
        last = passages.items[-1].ordinal
        drawing.err.print(f"there are more: --start {last + 1}", style="dim", markup=False)


@app.command()
@command
async def retry(name: Name, document: Id, as_json: AsJson = False) -> None:
    """Queue a document that failed again.

    Example: `pygent documents retry manuals 0199aaaa-0000-7000-8000-000000000000`
    """
    async with opened() as client:
        queued = await client.knowledge.retry(name, document)
    if as_json:
        answers.say(queued)
    else:
        drawing.err.print(f"{queued.title or queued.source} is {queued.state.value}", markup=False)


@app.command()
@command
async def delete(
    name: Name,
    document: Id,
    yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a document and its passages.

    Example: `pygent documents delete manuals 0199aaaa-0000-7000-8000-000000000000 --yes`
    """
    async with opened() as client:
        found = await client.knowledge.document(name, document)
        title = found.title or found.source
        if not yes:
            raise InvalidRequest(f"this deletes {title!r} of {name} for good; repeat it with --yes")
        await client.knowledge.remove(name, document)
    if as_json:
        answers.say(found)
    else:
        drawing.err.print(f"{title} is deleted with {found.chunks} passages", markup=False)
