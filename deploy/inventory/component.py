"""A component: one thing that somebody else wrote, with its version and licence."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Component:
    """One thing of somebody else.

    Attributes:
        name: As its own registry spells it.
        version: Empty where what carries it does not say.
        licence: An SPDX expression.
        purl: Its address as a package URL; empty where it is in no registry.
        within: The package whose wheel carries it; empty for what is installed by itself.
        in_pages: Whether it is part of the built pages, and so of our own wheel.
        hashes: SHA-256 of the files that may be installed.
    """

    name: str
    version: str
    licence: str
    purl: str = ""
    within: str = ""
    in_pages: bool = False
    hashes: tuple[str, ...] = field(default=(), repr=False)
