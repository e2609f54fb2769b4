"""Reads documents of every kind: the loaders of `loaders/` behind one door.

Markdown and text are read here; HTML, CSV and PDF, which can be made to eat time and memory, in a
process of their own with limits (sandbox.py). Whatever is wrong with a document is said as
`InvalidRequest`, in a sentence that names the document and the reason.
"""

from anyio.to_thread import run_sync

from protocols.errors import InvalidRequest, LimitExceeded
from protocols.knowledge import MAX_DOCUMENT_BYTES
from store.knowledge.loader import Loaded
from store.knowledge.loaders.charset import decode, refuse_binary
from store.knowledge.loaders.markdown import read_markdown
from store.knowledge.loaders.text import read_text
from store.knowledge.sandbox import read_apart

PDF = "application/pdf"
TABLES = ("text/csv", "text/tab-separated-values")
MEDIA_TYPES = ("text/markdown", "text/plain", "text/html", *TABLES, PDF)
PDF_MARK = b"%PDF-"
PDF_MARK_WITHIN = 1024  # ISO 32000-2, 7.5.2, and what readers accept before it
_MEBIBYTE = 1024 * 1024


def examine(content: bytes, *, name: str, media_type: str) -> None:
    """Refuses at once what cannot be read by any effort; what passes may still prove broken.

    Raises:
        LimitExceeded: It is too large.
        InvalidRequest: It is empty, of an unknown type, or not of the type it says.
    """
    if media_type not in MEDIA_TYPES:
        raise InvalidRequest(
            f"{name} is {media_type or 'of no type'}, which cannot be read; "
            "Markdown, plain text, HTML, CSV and PDF can",
            field="media_type",
        )
    if len(content) > MAX_DOCUMENT_BYTES:
        raise LimitExceeded(
            f"{name} has {len(content) / _MEBIBYTE:.1f} MiB; "
            f"a document has at most {MAX_DOCUMENT_BYTES // _MEBIBYTE} MiB"
        )
    if not content.strip():
        raise InvalidRequest(f"{name} is empty", field="content")
    is_pdf = PDF_MARK in content[:PDF_MARK_WITHIN]
    if media_type == PDF and not is_pdf:
        raise InvalidRequest(f"{name} is no PDF: it does not begin with %PDF-", field="content")
    if media_type != PDF:
        if content.startswith(PDF_MARK):
            raise InvalidRequest(f"{name} is a PDF, not {media_type}", field="media_type")
        refuse_binary(content, name=name)


async def read_document(content: bytes, *, name: str, media_type: str) -> Loaded:
    """The document as text.

    Raises:
        LimitExceeded: It is too large.
        InvalidRequest: It is empty, binary, broken, encrypted or without text.
        Unavailable: No process could be started to read it in.
    """
    examine(content, name=name, media_type=media_type)
    match media_type:
        case "text/markdown":
            loaded = await run_sync(lambda: read_markdown(decode(content, name=name)))
        case "text/plain":
            loaded = await run_sync(lambda: read_text(decode(content, name=name)))
        case _:
            loaded = await read_apart(content, name=name, media_type=media_type)
    if not loaded.sections:
        raise InvalidRequest(f"{name} has no text", field="content")
    return loaded
