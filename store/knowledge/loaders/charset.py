"""Bytes to text: which encoding they are in, and whether they are text at all."""

import codecs
import re

from protocols.errors import InvalidRequest

_MARKS = (  # the longer first: UTF-32's begins with UTF-16's
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_DECLARED = re.compile(rb"""<meta[^>]{0,200}?charset\s*=\s*["']?([\w-]{1,40})""", re.IGNORECASE)
_DECLARED_WITHIN = 1024  # HTML Standard, 4.2.5.4
# Those of the HTML Standard's table. Python knows more, some of which take hours (punycode, idna),
# and some that are no encodings.
_KNOWN = re.compile(
    r"utf-?(8|16(-?[lb]e)?)|(us-?)?ascii|latin-?[1-9]|iso-?8859-?\d{1,2}|(windows|cp)-?(874|125\d|866)"
    r"|koi8-?[ru]|mac(intosh|-?roman|-?cyrillic)|gbk|gb2312|gb18030|big5(-?hkscs)?"
    r"|euc-?(jp|kr)|iso-?2022-?jp|shift-?jis|sjis|tis-?620"
)
_CONTROLS = bytes(set(range(0x20)) - set(b"\t\n\v\f\r\x1b"))
_MAX_CONTROLS = 0.02  # of all bytes


def refuse_binary(content: bytes, *, name: str) -> None:
    """Raises `InvalidRequest` for bytes that are no text."""
    if _marked(content):
        return
    if b"\0" in content:
        at = content.index(0)
        raise InvalidRequest(f"{name} is binary: byte {at} is NUL", field="content")
    controls = len(content) - len(content.translate(None, _CONTROLS))
    if controls > _MAX_CONTROLS * len(content):
        raise InvalidRequest(
            f"{name} is binary: {controls} of {len(content)} bytes are control characters",
            field="content",
        )


def decode(content: bytes, *, name: str) -> str:
    """The text: by byte order mark, else UTF-8, else as HTML declares it, else Latin-1.

    Raises:
        InvalidRequest: Its byte order mark is not true.
    """
    if marked := _marked(content):
        try:
            return content.decode(marked)
        except UnicodeDecodeError as error:
            raise InvalidRequest(
                f"{name} begins as {marked} and is not, at byte {error.start}", field="content"
            ) from None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        return content.decode(_declared(content) or "latin-1", errors="replace")


def _marked(content: bytes) -> str | None:
    return next((name for mark, name in _MARKS if content.startswith(mark)), None)


def _declared(content: bytes) -> str | None:
    found = _DECLARED.search(content[:_DECLARED_WITHIN])
    if found is None:
        return None
    name = found[1].decode("ascii").lower().replace("_", "-")
    return name if _KNOWN.fullmatch(name) and _is_known_here(name) else None


def _is_known_here(name: str) -> bool:
    try:
        codecs.lookup(name)
    except LookupError:
        return False
    return True
