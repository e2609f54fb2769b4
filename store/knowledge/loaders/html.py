"""HTML: its text with headings, read by the standard library; nothing of it is ever run or fetched.

Of a page that says where its main content is, that is read; of any other all but its navigation.
Runs in the process of sandbox_child.py: unclosed markup makes the parser slow.
"""

import re
from collections import Counter
from html.parser import HTMLParser
from typing import Literal

from store.knowledge.loader import Loaded
from store.knowledge.loaders.headings import Outline

_UNSEEN_TAGS = "button script style template noscript svg math iframe object select"
_PARAGRAPH_TAGS = (
    "address article aside blockquote body dd details div dl dt fieldset figcaption figure footer "
    "form header hr main nav ol p pre section summary table ul"
)
_LINE_TAGS = "br li tr caption option legend"
_UNSEEN = frozenset(_UNSEEN_TAGS.split())
_PARAGRAPHS = frozenset(_PARAGRAPH_TAGS.split())
_LINES = frozenset(_LINE_TAGS.split())
_ASIDE = frozenset(("navigation", "search"))  # roles of what leads elsewhere; `nav` has the first
_LINK_MARK = "\u00b6"  # that generators put behind headings
_LEAST_MAIN = 1 / 3  # of a page's text, for what calls itself its main content to be that
_LEVELS = {f"h{level}": level for level in range(1, 7)}

Content = Literal["main", "article", "page", "all"]
_SAYS_SO: dict[Content, re.Pattern[str]] = {  # cheaper than to read it for nothing
    "main": re.compile(r"<main\b|\brole\s*=\s*[\"']?main\b", re.IGNORECASE),
    "article": re.compile(r"<article\b", re.IGNORECASE),
}
_NOTHING = Loaded(title="", form="text", sections=[])


def read_html(text: str) -> Loaded:
    """Sections by heading; navigation, scripts, styles and what else nobody reads are left out."""
    page = _read(text, "page") or _read(text, "all") or _NOTHING
    least = _LEAST_MAIN * _length(page)
    for content, says_so in _SAYS_SO.items():
        found = _read(text, content) if says_so.search(text) else None
        if found is not None and _length(found) >= least:
            return found
    return page


def _read(text: str, content: Content) -> Loaded | None:
    """None when there is no such content, or it never ends."""
    reader = _Reader(content)
    reader.feed(text)
    reader.close()
    loaded = reader.loaded()
    is_found = loaded.sections and (content == "all" or not reader.is_lost)
    return loaded if is_found else None


def _length(loaded: Loaded) -> int:
    return sum(len(section.text) for section in loaded.sections)


class _Opened:
    """Which elements of a kind are open, and those of the same names inside them."""

    def __init__(self) -> None:
        self._tags: list[str] = []
        self._count = Counter[str]()

    def __bool__(self) -> bool:
        return bool(self._tags)

    def start(self, tag: str, *, is_one: bool) -> None:
        if is_one or self._count[tag]:
            self._tags.append(tag)
            self._count[tag] += 1

    def end(self, tag: str) -> None:
        """What was left open inside ends with it."""
        while self._count[tag]:
            last = self._tags.pop()
            self._count[last] -= 1
            if last == tag:
                break


class _Reader(HTMLParser):
    def __init__(self, content: Content) -> None:
        super().__init__(convert_charrefs=True)
        self._content = content
        self._outline = Outline(form="text")
        self._unseen = _Opened()
        self._inside = _Opened()  # of what is wanted, where that is not the whole page
        self._heading: tuple[int, list[str]] | None = None
        self._title: list[str] = []
        self._is_title = False
        self._preformatted = 0

    @property
    def is_lost(self) -> bool:
        """Whether something that is left out did not end before the page did."""
        return bool(self._unseen)

    @property
    def _is_read(self) -> bool:
        is_inside = self._content in ("page", "all") or bool(self._inside)
        return is_inside and not self._unseen

    def loaded(self) -> Loaded:
        self._end_heading()
        return self._outline.loaded(title=" ".join("".join(self._title).split()))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        roles = {value for name, value in attrs if name == "role"} if attrs else set[str | None]()
        self._unseen.start(tag, is_one=tag in _UNSEEN or self._leads_elsewhere(tag, roles))
        self._inside.start(tag, is_one=tag == self._content or self._content in roles)
        if not self._is_read and tag != "title":
            return
        if tag in _LEVELS:
            self._end_heading()
            self._heading = (_LEVELS[tag], [])
        elif tag == "title":
            self._is_title = not self._title
        elif tag == "pre":
            self._preformatted += 1
        self._space(tag, is_start=True)

    def _leads_elsewhere(self, tag: str, roles: set[str | None]) -> bool:
        return self._content != "all" and (tag == "nav" or not _ASIDE.isdisjoint(roles))

    def handle_endtag(self, tag: str) -> None:
        was_read = self._is_read
        self._unseen.end(tag)
        self._inside.end(tag)
        if tag in _LEVELS:
            self._end_heading()
        elif tag == "title":
            self._is_title = False
        elif tag == "pre":
            self._preformatted = max(self._preformatted - 1, 0)
        if was_read or self._is_read:
            self._space(tag, is_start=False)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _UNSEEN:  # `<svg/>` opens nothing
            self.handle_starttag(tag, attrs)
            self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        if self._is_title and not self._unseen:
            self._title.append(data)
        elif not self._is_read:
            return
        elif self._heading is not None:
            self._heading[1].append(data)
        elif self._preformatted:
            self._outline.write(data)
        elif data.strip():
            lead = " " if data[0].isspace() else ""
            trail = " " if data[-1].isspace() else ""
            self._outline.write(f"{lead}{' '.join(data.split())}{trail}")
        else:
            self._outline.write(" ")

    def _space(self, tag: str, *, is_start: bool) -> None:
        if self._heading is not None:
            self._heading[1].append(" " if tag in _LINES or tag in _PARAGRAPHS else "")
        elif tag in _PARAGRAPHS:
            self._outline.write("\n\n")
        elif tag in _LINES:
            self._outline.write("\n- " if tag == "li" and is_start else "\n" if is_start else "")
        elif tag in {"td", "th"} and not is_start:
            self._outline.write(" | ")

    def _end_heading(self) -> None:
        if self._heading is not None:
            level, words = self._heading
            self._heading = None
            self._outline.heading(level, "".join(words).removesuffix(_LINK_MARK))
