"""`pygent collections`: create them, list and show them, delete."""

from typing import Annotated

import typer

from hub.cli import answers, drawing, tables
from hub.cli.answers import AsJson, Cursor
from hub.cli.client import opened
from hub.cli.completing import collection_names
from hub.cli.documents import list_documents
from hub.cli.exits import command
from hub.cli.nouns import Noun
from protocols.errors import InvalidRequest
from protocols.knowledge import CreateCollection

app = typer.Typer(
    help="Collections: named sets of documents.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    cls=Noun,
    add_completion=False,
)

Name = Annotated[
    str, typer.Argument(help="Name of the collection.", autocompletion=collection_names)
]
Limit = Annotated[int, typer.Option(min=1, max=200, help="At most so many.")]


app.command("documents")(list_documents)


@app.command("ls")
@command
async def list_collections(
    limit: Limit = 50, cursor: Cursor = None, as_json: AsJson = False
) -> None:
    """List collections by name.

    Example: `pygent collections ls`
    """
    async with opened() as client:
        listing = await client.knowledge.list(cursor=cursor, limit=limit)
    if as_json:
        answers.say(listing)
        return
    tables.table(
        ["Name", "Documents", "Passages", "Found by", "Description"],
        [
            [row.name, f"{row.documents:,}", f"{row.chunks:,}", row.embedder, row.description]
            for row in listing.items
        ],
        more=listing.next,
    )


@app.command()
@command
async def create(
    name: Annotated[str, typer.Argument(help="Lower case, digits, dashes; at most 63.")],
    description: Annotated[str, typer.Option(help="What is in it, for people.")] = "",
    as_json: AsJson = False,
) -> None:
    """Create an empty collection; `pygent ingest` does so by itself.

    Example: `pygent collections create manuals --description "Of our pumps"`
    """
    request = CreateCollection(name=name, description=description)
    async with opened() as client:
        created = await client.knowledge.create(request)
    if as_json:
        answers.say(created)
    else:
        drawing.err.print(f"{created.name} is created", markup=False)


@app.command()
@command
async def show(name: Name, as_json: AsJson = False) -> None:
    """Show what a collection holds, and which agents search it.

    Example: `pygent collections show manuals`
    """
    async with opened() as client:
        found = await client.knowledge.get(name)
        use = await client.knowledge.use(name)
    if as_json:
        answers.say({**found.model_dump(mode="json"), "use": use.model_dump(mode="json")})
        return
    tables.facts(
        {
            "Name": found.name,
            "Description": found.description,
            "Documents": f"{use.documents:,}, {use.bytes:,} bytes",
            "Passages": f"{use.chunks:,}",
            "Found by": found.embedder,
            "Searched by": ", ".join(use.agents) or "no agent",
        }
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
