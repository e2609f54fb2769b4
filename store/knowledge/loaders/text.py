"""Plain text: one section, without a title of its own."""

from store.knowledge.loader import Loaded, Section, clean


def read_text(text: str) -> Loaded:
    """The text as one section; no section if there is none."""
    cleaned = clean(text)
    sections = [Section(location="", text=cleaned)] if cleaned else []
    return Loaded(title="", form="text", sections=sections)
