"""`pygent collections`: list them and their documents, delete."""

from typing import Annotated

import typer

from hub.cli import answers, drawing
from hub.cli.answers import AsJson
from hub.cli.client import opened
from hub.cli.completing import collection_names
from hub.cli.exits import command
from protocols.errors import InvalidRequest

app = typer.Typer(
    help="Collections: named sets of documents.", no_args_is_help=True, rich_markup_mode="markdown"
)

Name = Annotated[
    str, typer.Argument(help="Name of the collection.", autocompletion=collection_names)
]
Limit = Annotated[int, typer.Option(min=1, max=200, help="At most so many.")]


@app.command("ls")
@command
async def list_collections(limit: Limit = 50, as_json: AsJson = False) -> None:
    """List collections by name.

    Example: `pygent collections ls`
    """
    async with opened() as client:
        listing = await client.knowledge.list(limit=limit)
    if as_json:
        answers.say(listing)
        return
    drawing.table(
        ["Name", "Documents", "Passages", "Found by", "Description"],
        [
            [row.name, f"{row.documents:,}", f"{row.chunks:,}", row.embedder, row.description]
            for row in listing.items
        ],
    )


@app.command("documents")
@command
async def list_documents(name: Name, limit: Limit = 50, as_json: AsJson = False) -> None:
    """List a collection's documents, newest first.

    Example: `pygent collections documents manuals`
    """
    async with opened() as client:
        listing = await client.knowledge.documents(name, limit=limit)
    if as_json:
        answers.say(listing)
        return
    drawing.table(
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
    )


@app.command()
@command
async def delete(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", help="Do it.")] = False,
    as_json: AsJson = False,
) -> None:
    """Delete a collection with its documents and passages.

    Example: `pygent collections delete manuals --yes`
    """
    async with opened() as client:
        found = await client.knowledge.get(name)
        if not yes:
            raise InvalidRequest(
                f"this deletes {found.documents} documents of {name} for good; repeat it with --yes"
            )
        await client.knowledge.delete(name)
    if as_json:
        answers.say(found)
    else:
        drawing.err.print(f"{name} is deleted with {found.documents} documents", markup=False)
