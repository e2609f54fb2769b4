"""PDF: the text of each page, by pypdf. Runs in the process of sandbox_child.py."""

import io
import logging
import re

from pypdf import PasswordType, PdfReader
from pypdf.errors import PyPdfError

from protocols.errors import InvalidRequest
from store.knowledge.loader import Loaded, Section, clean

MAX_CHARACTERS = 20_000_000  # of all pages; a small file can unfold to any size
_CUT_WORD = re.compile(r"(?<=[a-zà-ÿ])-\n(?=[a-zà-ÿ])")

# What pypdf raises on broken files, besides its own: it trusts what it finds to be of its kind.
_BROKEN = (
    PyPdfError,
    ArithmeticError,
    AttributeError,
    LookupError,
    NotImplementedError,
    OSError,
    RecursionError,
    TypeError,
    ValueError,
)


def read_pdf(content: bytes, *, name: str) -> Loaded:
    """A section for each page that has text.

    Raises:
        InvalidRequest: It is broken, encrypted, without text or unfolds to too much.
    """
    logging.getLogger("pypdf").setLevel(logging.CRITICAL)
    try:
        title, pages = _read(content, name=name)
    except _BROKEN as error:
        raise InvalidRequest(
            f"{name} is a broken PDF: it cannot be read ({type(error).__name__})", field="content"
        ) from error
    if not any(pages):
        raise InvalidRequest(
            f"{name} has no text on its {len(pages)} pages: scanned pages need OCR first",
            field="content",
        )
    sections = [
        Section(location=f"page {number}", text=text)
        for number, text in enumerate(pages, start=1)
        if text
    ]
    return Loaded(title=clean(title), form="text", sections=sections)


def _read(content: bytes, *, name: str) -> tuple[str, list[str]]:
    reader = PdfReader(io.BytesIO(content), strict=False)
    if reader.is_encrypted and reader.decrypt("") is PasswordType.NOT_DECRYPTED:
        raise InvalidRequest(f"{name} is encrypted: remove its password", field="content")
    metadata = reader.metadata
    title = metadata.title if metadata is not None else None
    return title or "", _pages(reader, name=name)


def _pages(reader: PdfReader, *, name: str) -> list[str]:
    pages: list[str] = []
    size = 0
    for page in reader.pages:
        text = clean(_CUT_WORD.sub("", page.extract_text()))
        size += len(text)
        if size > MAX_CHARACTERS:
            raise InvalidRequest(
                f"{name} has over {MAX_CHARACTERS} characters of text", field="content"
            )
        pages.append(text)
    return pages
