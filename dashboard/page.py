"""The promise a page keeps: where it stands, what it is called, how it is drawn.

A page is one file in `pages/` that ends with its `PAGE`, and one line in `PAGES`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import reflex as rx


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A place in the dashboard.

    Attributes:
        route: Its path, parts in square brackets being parameters.
        title: For the tab, before the product's name.
        view: Draws it; called once, when the site is built.
    """

    route: str
    title: str
    view: Callable[[], rx.Component]
