"""Headings as they come, and the path to where one stands: for Markdown and HTML alike."""

from store.knowledge.loader import Form, Loaded, Section, clean

SEPARATOR = " \u203a "  # a single angle quotation mark
MAX_LOCATION = 300  # characters


class Outline:
    """Collects sections under headings; `loaded` when all is in."""

    def __init__(self, *, form: Form) -> None:
        self._form: Form = form
        self._path: list[tuple[int, str]] = []
        self._lines: list[str] = []
        self._sections: list[Section] = []
        self._headings: list[tuple[int, str]] = []

    def heading(self, level: int, text: str) -> None:
        """What follows stands under this heading."""
        self._end_section()
        while self._path and self._path[-1][0] >= level:
            self._path.pop()
        text = " ".join(text.split())
        if text:
            self._path.append((level, text))
            self._headings.append((level, text))

    def write(self, text: str) -> None:
        """Text of the section, as it is, without a line end added."""
        self._lines.append(text)

    def loaded(self, *, title: str = "") -> Loaded:
        """The document: its title, if none is given, is the first of its highest headings."""
        self._end_section()
        sections = self._sections
        if not sections and self._headings:  # a page of headings alone still says something
            said = clean("\n".join(text for _, text in self._headings))
            sections = [Section(location="", text=said)] if said else []
        first = min(self._headings, key=lambda heading: heading[0], default=(0, ""))[1]
        return Loaded(title=clean(title) or clean(first), form=self._form, sections=sections)

    def _end_section(self) -> None:
        text = clean("".join(self._lines))
        self._lines = []
        if text:
            location = clean(SEPARATOR.join(heading for _, heading in self._path))
            self._sections.append(Section(location=location[:MAX_LOCATION], text=text))
