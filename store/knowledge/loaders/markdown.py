"""Markdown: a section for each heading; the text stays Markdown.

Source: CommonMark 0.31, 4.2 (ATX headings), 4.3 (setext headings), 4.5 (fenced code, in which
nothing is a heading).
"""

import re
from collections.abc import Iterator, Sequence

from store.knowledge.loader import Loaded, clean
from store.knowledge.loaders.headings import Outline

MAX_HEADING = 1000  # characters; the patterns below take longer than linear time

_HEADING = re.compile(r"^ {0,3}(#{1,6})(?![^ \t])")
_UNDERLINE = re.compile(r"^ {0,3}(=+|-{2,})[ \t]*$")
_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})")
_NO_PARAGRAPH = re.compile(r"^(?:\s*$| {4}|\t|\s*[-*+>|#]|\s*\d+[.)])")
_LINK = re.compile(r"!?\[([^\[\]]*)\](?:\([^()]*\)|\[[^\[\]]*\])?")
_MARKS = re.compile(r"[*`]+|(?<!\w)_+|_+(?!\w)|</?\w[^<>]*>")


def read_markdown(text: str) -> Loaded:
    """Sections by heading; front matter is left out, but for its title."""
    lines = clean(text).split("\n")
    title, lines = _front_matter(lines)
    outline = Outline(form="markdown")
    for line, level, heading in _marked(lines):
        if level:
            outline.heading(level, _plain(heading))
        else:
            outline.write(line + "\n")
    return outline.loaded(title=title)


def _marked(lines: Sequence[str]) -> Iterator[tuple[str, int, str]]:
    """Each line as `(line, 0, "")`, or where it is a heading `("", level, text)`."""
    fence = ""
    skipped = -1
    for number, line in enumerate(lines):
        if number == skipped:
            continue
        after = lines[number + 1] if number + 1 < len(lines) else ""
        fence, was_fenced = _fence(fence, line), bool(fence)
        if was_fenced or fence:
            yield line, 0, ""
        elif found := _HEADING.match(line):
            yield "", len(found[1]), _unclosed(line[found.end() :].strip())
        elif (under := _UNDERLINE.match(after)) and not _NO_PARAGRAPH.match(line):
            skipped = number + 1
            yield "", 1 if under[1].startswith("=") else 2, line
        else:
            yield line, 0, ""


def _fence(fence: str, line: str) -> str:
    """The fence that is open after this line; empty if none is."""
    found = _FENCE.match(line)
    if not found:
        return fence
    if not fence:
        return found[1]
    is_its_end = found[1].startswith(fence) and line.strip() == found[1]
    return "" if is_its_end else fence


def _front_matter(lines: list[str]) -> tuple[str, list[str]]:
    if lines[0] != "---" or "---" not in lines[1:]:
        return "", lines
    end = lines.index("---", 1)
    titles = [line[6:].strip(" \"'") for line in lines[1:end] if line.startswith("title:")]
    return titles[0] if titles else "", lines[end + 1 :]


def _unclosed(heading: str) -> str:
    """The text of an ATX heading without the `#`s that may close it."""
    text = heading.rstrip("#")
    return text if not text or text[-1] in " \t" else heading


def _plain(heading: str) -> str:
    return _MARKS.sub("", _LINK.sub(r"\1", heading[:MAX_HEADING]))
