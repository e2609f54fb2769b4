"""The icons: one sprite at the top of each page, each 16 by 16, stroke 1.5, round.

Everything that shows an icon refers to the sprite by name, in Python and in `assets/` alike.
"""

import reflex as rx
from reflex_components_core.el.element import Element

ICONS: dict[str, str] = {
    "agents": '<path d="M8 1.9l5.3 3v6.2L8 14.1l-5.3-3V4.9z"/><circle cx="8" cy="8" r="1.75"/>',
    "ask": '<path d="M13.75 2.25L7 9M13.75 2.25L9.5 13.75 7 9 2.25 6.5z"/>',
    "back": '<path d="M4 3.5v9M12.5 3.6v8.8L6 8z"/>',
    "check": '<path d="M3.5 8.5l3 3 6-7"/>',
    "clock": '<circle cx="8" cy="8" r="5.75"/><path d="M8 4.75V8l2.2 1.5"/>',
    "close": '<path d="M4 4l8 8M12 4l-8 8"/>',
    "copy": (
        '<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/>'
        '<path d="M3.5 10.5h-.25A.75.75 0 0 1 2.5 9.75v-6.5a.75.75 0 0 1 .75-.75h6.5a.75.75 '
        '0 0 1 .75.75v.25"/>'
    ),
    "down": '<path d="M4 6.25L8 10.25l4-4"/>',
    "enter": '<path d="M13 3.5v4a2 2 0 0 1-2 2H3.5M6.5 6.5l-3 3 3 3"/>',
    "eye": (
        '<path d="M1.6 8S4 3.6 8 3.6 14.4 8 14.4 8 12 12.4 8 12.4 1.6 8 1.6 8z"/>'
        '<circle cx="8" cy="8" r="1.9"/>'
    ),
    "file": (
        '<path d="M9.25 1.9H4.5a1 1 0 0 0-1 1v10.2a1 1 0 0 0 1 1h7a1 1 0 0 0 1-1V5.1zM9.25 '
        '1.9v3.2h3.25M6 8.5h4M6 11h4"/>'
    ),
    "filter": '<path d="M2.5 4h11M4.75 8h6.5M6.75 12h2.5"/>',
    "help": (
        '<circle cx="8" cy="8" r="5.75"/>'
        '<path d="M6.3 6.4a1.75 1.75 0 1 1 2.6 1.5c-.6.35-.9.7-.9 1.3M8 11.1v.05"/>'
    ),
    "hub": (
        '<circle cx="8" cy="8" r="1.5"/>'
        '<path d="M4.9 11.1a4.4 4.4 0 0 1 0-6.2M11.1 4.9a4.4 4.4 0 0 1 0 6.2M2.8 13.2a7.35 '
        '7.35 0 0 1 0-10.4M13.2 2.8a7.35 7.35 0 0 1 0 10.4"/>'
    ),
    "k-agent": (
        '<path d="M8 1.9l5.3 3v6.2L8 14.1l-5.3-3V4.9z"/>'
        '<path d="M5.75 8h4.3M8.3 6.2L10.1 8l-1.8 1.8"/>'
    ),
    "k-memory": (
        '<ellipse cx="8" cy="4" rx="5" ry="2"/>'
        '<path d="M3 4v8c0 1.1 2.2 2 5 2s5-.9 5-2V4M3 8c0 1.1 2.2 2 5 2s5-.9 5-2"/>'
    ),
    "k-model": (
        '<rect x="4.25" y="4.25" width="7.5" height="7.5" rx="1.5"/>'
        '<path d="M6.5 4.25V2M9.5 4.25V2M6.5 14v-2.25M9.5 14v-2.25M4.25 6.5H2M4.25 9.5H2M14 '
        '6.5h-2.25M14 9.5h-2.25"/>'
    ),
    "k-retrieval": (
        '<path d="M2.25 3.5h9M2.25 7h3M2.25 10.5h3"/>'
        '<circle cx="9.9" cy="9.4" r="2.7"/>'
        '<path d="M11.9 11.4l2 2"/>'
    ),
    "k-thought": (
        '<path d="M6.2 11.9h3.6M6.9 14h2.2M5.9 9.9C4.7 9 4 7.9 4 6.3a4 4 0 0 1 8 0c0 1.6-.7 '
        '2.7-1.9 3.6v2H5.9z"/>'
    ),
    "k-tool": (
        '<path d="M10.3 2.2a3.6 3.6 0 0 0-3.4 4.8L2.5 11.4a1.48 1.48 0 0 0 2.1 2.1L9 9.1a3.6 '
        '3.6 0 0 0 4.7-4.5l-2.1 2.1-1.9-.4-.4-1.9z"/>'
    ),
    "knowledge": (
        '<path d="M8 4C6.8 3 5 2.6 2.25 2.6v9.6C5 12.2 6.8 12.6 8 13.6c1.2-1 3-1.4 5.75-1.4V2.6C11 '
        '2.6 9.2 3 8 4zM8 4v9.6"/>'
    ),
    "leave": (
        '<path d="M6.25 2.75h-2.5a1 1 0 0 0-1 1v8.5a1 1 0 0 0 1 1h2.5M10.25 5L13.25 8l-3 '
        '3M13 8H6.5"/>'
    ),
    "leftc": '<path d="M9.75 4l-4 4 4 4"/>',
    "link": (
        '<path d="M6.6 9.4a2.8 2.8 0 0 0 4 0l2-2a2.83 2.83 0 0 0-4-4l-.6.6M9.4 6.6a2.8 2.8 0 '
        '0 0-4 0l-2 2a2.83 2.83 0 0 0 4 4l.6-.6"/>'
    ),
    "menu": '<path d="M2.5 4.5h11M2.5 8h11M2.5 11.5h11"/>',
    "overview": (
        '<rect x="2.25" y="2.25" width="4.75" height="6.25" rx="1"/>'
        '<rect x="9" y="2.25" width="4.75" height="3.5" rx="1"/>'
        '<rect x="9" y="7.75" width="4.75" height="6" rx="1"/>'
        '<rect x="2.25" y="10.5" width="4.75" height="3.25" rx="1"/>'
    ),
    "play": '<path d="M5 3.2v9.6L12.6 8z"/>',
    "plus": '<path d="M8 3v10M3 8h10"/>',
    "refresh": '<path d="M13.2 8a5.2 5.2 0 1 1-1.6-3.8M13.3 2.3v2.9h-2.9"/>',
    "restart": '<path d="M12.9 9.6A5.25 5.25 0 1 1 12.2 5M12.75 2.25V5.5H9.5"/>',
    "rightc": '<path d="M6.25 4l4 4-4 4"/>',
    "s-auth-required": (
        '<circle cx="5.2" cy="10.8" r="2.7"/><path d="M7.1 8.9l5.9-5.9M10.6 5.4l2 2"/>'
    ),
    "s-canceled": '<circle cx="8" cy="8" r="5.75"/><path d="M4.1 11.9l7.8-7.8"/>',
    "s-completed": '<circle cx="8" cy="8" r="5.75"/><path d="M5.5 8.2l1.75 1.75 3.25-3.6"/>',
    "s-failed": '<circle cx="8" cy="8" r="5.75"/><path d="M6.1 6.1l3.8 3.8M9.9 6.1l-3.8 3.8"/>',
    "s-input-required": '<circle cx="8" cy="8" r="5.75"/><path d="M6.4 6v4M9.6 6v4"/>',
    "s-rejected": (
        '<path d="M5.6 2.25h4.8l3.35 3.35v4.8l-3.35 3.35H5.6l-3.35-3.35V5.6zM5.4 10.6l5.2-5.2"/>'
    ),
    "s-submitted": '<circle cx="8" cy="8" r="5.75"/>',
    "s-working": (
        '<circle cx="8" cy="8" r="5.75"/>'
        '<path d="M8 2.25a5.75 5.75 0 0 1 0 11.5z" fill="currentColor" stroke="none"/>'
    ),
    "search": '<circle cx="7" cy="7" r="4.5"/><path d="M10.4 10.4l3.4 3.4"/>',
    "settings": (
        '<path d="M2.25 4.75h6M12 4.75h1.75M2.25 11.25H4M7.75 11.25h6"/>'
        '<circle cx="10.1" cy="4.75" r="1.75"/><circle cx="5.9" cy="11.25" r="1.75"/>'
    ),
    "stop": '<rect x="3.75" y="3.75" width="8.5" height="8.5" rx="1.5"/>',
    "system": '<path d="M1.75 8.25h2.75L6.25 3l3.5 10 1.75-4.75h2.75"/>',
    "tasks": (
        '<path d="M7 4h6.5M7 8h6.5M7 12h6.5M2.3 4l1 1 1.7-2M2.3 8l1 1 1.7-2M2.3 12l1 1 1.7-2"/>'
    ),
    "theme": (
        '<circle cx="8" cy="8" r="5.75"/>'
        '<path d="M8 2.25a5.75 5.75 0 0 1 0 11.5z" fill="currentColor" stroke="none"/>'
    ),
    "trash": (
        '<path d="M2.75 4.25h10.5M6 4.25V2.5h4v1.75M4 4.25l.6 9.25h6.8L12 4.25M6.75 7v3.75M9.25 '
        '7v3.75"/>'
    ),
    "up": '<path d="M8 13V3.5M4 7.25l4-4 4 4"/>',
    "upload": (
        '<path d="M8 10.5V2.75M5 5.5l3-3 3 3M2.75 10.5v2a1 1 0 0 0 1 1h8.5a1 1 0 0 0 1-1v-2"/>'
    ),
    "warn": '<path d="M8 2.4l6 10.8H2zM8 6.6v3M8 11.4v.05"/>',
    "warning": '<path d="M8 2.4l6 10.7H2zM8 6.6v3M8 11.4v.05"/>',
}


class _Use(Element):
    tag = "use"
    href: rx.Var[str]


def sprite() -> rx.Component:
    """All icons, drawn nowhere, for `icon` and the live parts to refer to."""
    symbols = "".join(
        f'<symbol id="{name}" viewBox="0 0 16 16">{drawing}</symbol>'
        for name, drawing in ICONS.items()
    )
    markup = f'<svg width="0" height="0" aria-hidden="true"><defs>{symbols}</defs></svg>'
    return rx.html(markup, class_name="sprite")


def icon(name: str, *, size: int = 16) -> rx.Component:
    """One icon in the colour of the text around it; it says nothing to a screen reader."""
    return rx.el.svg(
        _Use.create(href=f"#{name}"),
        class_name=f"i i-{size}",
        aria_hidden="true",
    )
