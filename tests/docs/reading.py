"""The documents of the checkout: their text, links, headings and the commands they name."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted(
    [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "SECURITY.md", *ROOT.glob("docs/**/*.md")]
)

_FENCE = re.compile(
    r"^(?P<mark>```+|~~~+)(?P<language>\w*).*?\n(?P<code>.*?)^(?P=mark)$", re.MULTILINE | re.DOTALL
)
_INLINE = re.compile(r"`([^`\n]+(?:\n[^`\n]+)?)`")
_LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^()\s]+)\)")
_HEADING = re.compile(r"^#{1,6} +(.+?)\s*#*$", re.MULTILINE)
_COMMAND = re.compile(r"(?:^|[\s(;|&])(?:\.venv/bin/)?pygent +([^\s`].*)$")
_SHELLS = {"sh", "bash", "console", ""}


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def prose(text: str) -> str:
    """Without its blocks of code."""
    return _FENCE.sub("", text)


def links(text: str) -> list[str]:
    """Where its links and pictures lead."""
    return _LINK.findall(re.sub(r"`[^`\n]*`", "", prose(text)))


def anchors(text: str) -> set[str]:
    """Of its headings, as the site and GitHub make them."""
    found: list[str] = []
    for heading in _HEADING.findall(prose(text)):
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        words = re.sub(r"[^\w\s-]", "", plain.lower()).strip()
        found.append(re.sub(r"[-\s]+", "-", words))
    return set(found)


def commands(text: str) -> Iterator[list[str]]:
    """The words after each `pygent`, in blocks of commands and in sentences."""
    for fence in _FENCE.finditer(text):
        if fence["language"] in _SHELLS:
            whole = re.sub(r"\\\n", " ", fence["code"])
            yield from filter(None, (_words(line) for line in whole.splitlines()))
    for inline in _INLINE.findall(prose(text)):
        if words := _words(" ".join(inline.split())):
            yield words


def _words(line: str) -> list[str]:
    found = _COMMAND.search(line)
    if not found or found[1].startswith(("|", "=")):
        return []
    words = shlex.split(re.split(r"[|;]| [<>] |\)(?:\s|$)| node ", found[1])[0], comments=True)
    return [word for word in words if word not in {"…", "...", "[OPTIONS]"}]
