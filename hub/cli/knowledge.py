"""`pygent ingest` and `pygent search`: one's own documents, into a collection and found again."""

import contextlib
import mimetypes
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import anyio
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.text import Text

from hub.cli import answers, drawing
from hub.cli.answers import AsJson
from hub.cli.client import opened
from hub.cli.completing import collection_names
from hub.cli.exits import EXIT_FAILED, command
from hub.cli.known_contents import KnownContents
from protocols.errors import AlreadyExists, FactoryError, InvalidRequest
from protocols.knowledge import CreateCollection, Document, DocumentState, SearchRequest
from protocols.rest.client import RestClient

app = typer.Typer(rich_markup_mode="markdown")

TYPES = {
    ".md": "text/markdown",
    ".markdown": "text/markdown",
    ".txt": "text/plain",
    ".text": "text/plain",
    ".rst": "text/plain",
    ".html": "text/html",
    ".htm": "text/html",
    ".csv": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".pdf": "application/pdf",
}
POLL_SECONDS = 0.5
PATIENCE_SECONDS = 600.0  # for one document, from its upload


class By(StrEnum):
    """Halves of the search."""

    FUSED = "fused"
    MEANING = "meaning"
    WORDS = "words"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one file.

    Attributes:
        is_elsewhere: The document is one of another name, which has its content already.
    """

    path: Path
    document: Document | None
    reason: str | None
    is_elsewhere: bool = False


@app.command()
@command
async def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Files, or folders that are walked.")],
    collection: Annotated[
        str,
        typer.Option(
            "--collection",
            "-c",
            help="Made when it does not exist.",
            autocompletion=collection_names,
        ),
    ] = "documents",
    as_json: Annotated[
        bool,
        typer.Option("--json", help="Print each document as a line of JSON; errors are problems."),
    ] = False,
) -> None:
    """Add documents to a collection: Markdown, text, HTML, CSV and PDF.

    The same file again changes nothing, also under another name; a changed file replaces its former
    content. Exit code 1 when any file could not be read; the others are in.

    Example: `pygent ingest handbook/ notes.md --collection manuals`
    """
    files = await anyio.to_thread.run_sync(lambda: list(_files(paths)))
    left_out = await anyio.to_thread.run_sync(_left_out, paths)
    async with opened() as client:
        with contextlib.suppress(AlreadyExists):
            await client.knowledge.create(CreateCollection(name=collection))
        known = await KnownContents.of(client, collection, coming=set(map(str, files)))
        with Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            console=drawing.err,
            disable=as_json,
        ) as progress:
            bar = progress.add_task("documents", total=len(files))
            outcomes: list[Outcome] = []
            for file in files:
                progress.update(bar, description=drawing.plain(file.name[:40]))
                outcome = await _add(client, collection, file, known=known)
                outcomes.append(outcome)
                if as_json:
                    _say(outcome)
                progress.advance(bar)
    if not as_json:
        _report(outcomes, collection, left_out)
    if any(outcome.reason for outcome in outcomes):
        raise typer.Exit(EXIT_FAILED)


@app.command()
@command
async def search(
    query: Annotated[str, typer.Argument(help="What to look for.")],
    collection: Annotated[
        list[str] | None,
        typer.Option(
            "--collection",
            "-c",
            help="May be repeated; default all.",
            autocompletion=collection_names,
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, max=50, help="At most so many.")] = 5,
    by: Annotated[By, typer.Option(help="Both halves of the search, or one of them.")] = By.FUSED,
    as_json: AsJson = False,
) -> None:
    """Find passages by meaning and by words.

    Example: `pygent search "how do I reset the pump" --collection manuals`
    """
    request = SearchRequest(
        query=query, collections=tuple(collection or ()), limit=limit, by=by.value
    )
    async with opened() as client:
        answer = await client.knowledge.search(request)
    if as_json:
        answers.say(answer)
        return
    for passage in answer.passages:
        where = drawing.plain(drawing.place(passage.title, passage.location))
        drawing.out.print(Text(f"{passage.score:.4f}  {where}", "bold"))
        drawing.out.print(drawing.plain(passage.text), markup=False)
        drawing.out.print()
    if not answer.passages:
        drawing.err.print("nothing found")
    if answer.embedder == "hashing":
        drawing.err.print("[dim]found by words only: the embedding model is not installed[/dim]")


def _files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(
                file for file in path.rglob("*") if file.suffix.lower() in TYPES and file.is_file()
            )
        elif path.is_file():
            yield path
        else:
            raise InvalidRequest(f"{path} is neither a file nor a folder")


def _left_out(paths: list[Path]) -> Counter[str]:
    """Files in the folders of no type that can be read, counted by ending; hidden ones aside."""
    return Counter(
        file.suffix.lower() or file.name
        for path in paths
        if path.is_dir()
        for file in path.rglob("*")
        if file.suffix.lower() not in TYPES
        and not any(part.startswith(".") for part in file.relative_to(path).parts)
        and file.is_file()
    )


async def _add(client: RestClient, collection: str, file: Path, *, known: KnownContents) -> Outcome:
    media_type = TYPES.get(file.suffix.lower()) or mimetypes.guess_type(file.name)[0]
    if media_type is None:
        return Outcome(file, None, f"its ending {file.suffix!r} names no type that can be read")
    try:
        content = await anyio.Path(file).read_bytes()
        found = await known.elsewhere(content, source=str(file), media_type=media_type)
        if found is not None:
            return Outcome(file, found, None, is_elsewhere=True)
        document = await client.knowledge.add(
            collection, content, title="", source=str(file), media_type=media_type, wait=10.0
        )
        with anyio.move_on_after(PATIENCE_SECONDS):
            while document.state is DocumentState.QUEUED:
                await anyio.sleep(POLL_SECONDS)
                document = await client.knowledge.document(collection, document.id)
    except OSError as error:
        return Outcome(file, None, f"it cannot be read: {error.strerror}")
    except FactoryError as error:
        return Outcome(file, None, error.message)
    known.add(document)
    return Outcome(file, document, document.reason)


def _report(outcomes: list[Outcome], collection: str, left_out: Counter[str]) -> None:
    bad = [outcome for outcome in outcomes if outcome.reason]
    elsewhere = [outcome for outcome in outcomes if outcome.is_elsewhere]
    added = [o.document for o in outcomes if o.document and not o.reason and not o.is_elsewhere]
    queued = [document for document in added if document.state is DocumentState.QUEUED]
    chunks = sum(document.chunks for document in added)
    drawing.err.print(f"{len(added)} documents, {chunks} passages in {collection}", markup=False)
    if queued:
        drawing.err.print(f"{len(queued)} still wait for a worker", markup=False)
    if elsewhere:
        first = elsewhere[0]
        name = first.document.source if first.document else ""
        drawing.err.print(
            f"{len(elsewhere)} left out, whose content is there under another name: "
            f"{first.path} is {name}",
            markup=False,
        )
    if left_out:
        endings = ", ".join(ending for ending, _ in left_out.most_common(5))
        drawing.err.print(
            f"{left_out.total()} left out, of types that cannot be read: {endings}", markup=False
        )
    for outcome in bad:
        name, reason = str(outcome.path), outcome.reason or ""
        said = reason if reason.startswith(name) else f"{name}: {reason}"
        drawing.err.print(said, style="red", markup=False)


def _say(outcome: Outcome) -> None:
    """A document on standard output, also one that cannot be read; else the problem."""
    if outcome.document is not None:
        answers.say_line(outcome.document)
    else:
        answers.say_problem(InvalidRequest(f"{outcome.path}: {outcome.reason}"))
