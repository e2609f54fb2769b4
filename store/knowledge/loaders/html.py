"""HTML: its text with headings, read by the standard library; nothing of it is ever run or fetched.

Runs in the process of sandbox_child.py: unclosed markup makes the parser slow.
"""

from html.parser import HTMLParser

from store.knowledge.loader import Loaded
from store.knowledge.loaders.headings import Outline

_UNSEEN_TAGS = "script style template noscript svg math iframe object select"
_PARAGRAPH_TAGS = (
    "address article aside blockquote body dd details div dl dt fieldset figcaption figure footer "
    "form header hr main nav ol p pre section summary table ul"
)
_LINE_TAGS = "br li tr caption option legend"
_UNSEEN = frozenset(_UNSEEN_TAGS.split())
_PARAGRAPHS = frozenset(_PARAGRAPH_TAGS.split())
_LINES = frozenset(_LINE_TAGS.split())
_LEVELS = {f"h{level}": level for level in range(1, 7)}


def read_html(text: str) -> Loaded:
    """Sections by heading; scripts, styles and what else nobody reads are left out."""
    reader = _Reader()
    reader.feed(text)
    reader.close()
    return reader.loaded()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._outline = Outline(form="text")
        self._unseen: list[str] = []
        self._heading: tuple[int, list[str]] | None = None
        self._title: list[str] = []
        self._is_title = False
        self._preformatted = 0

    def loaded(self) -> Loaded:
        self._end_heading()
        return self._outline.loaded(title=" ".join("".join(self._title).split()))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _UNSEEN:
            self._unseen.append(tag)
        elif tag in _LEVELS:
            self._end_heading()
            self._heading = (_LEVELS[tag], [])
        elif tag == "title":
            self._is_title = not self._title
        elif tag == "pre":
            self._preformatted += 1
        self._space(tag, is_start=True)

    def handle_endtag(self, tag: str) -> None:
        if tag in self._unseen:
            while self._unseen.pop() != tag:  # what was left open inside ends with it
                pass
        elif tag in _LEVELS:
            self._end_heading()
        elif tag == "title":
            self._is_title = False
        elif tag == "pre":
            self._preformatted = max(self._preformatted - 1, 0)
        self._space(tag, is_start=False)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in _UNSEEN:  # `<svg/>` opens nothing
            self.handle_starttag(tag, attrs)
            self.handle_endtag(tag)

    def handle_data(self, data: str) -> None:
        if self._unseen:
            return
        if self._is_title:
            self._title.append(data)
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
            self._outline.heading(level, "".join(words))
