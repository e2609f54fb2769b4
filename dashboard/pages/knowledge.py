"""Knowledge: collections, documents on their way and searchable, and search with its reasons."""

import reflex as rx

from dashboard import routes
from dashboard.components.live import KnowledgePage
from dashboard.components.shell import shell
from dashboard.components.skeletons import bar, rows
from dashboard.page import Page


def view() -> rx.Component:
    """The frame and its skeleton; the rest is live."""
    return shell(
        KnowledgePage.create(),
        place=routes.KNOWLEDGE,
        title="Knowledge",
        skeleton=rx.el.div(
            rx.el.div(*(bar("sk-w90") for _ in range(6)), class_name="kn-side sk-stack"),
            rx.el.div(
                rx.el.div(bar("sk-field"), class_name="kn-top"), rows(9), class_name="kn-main"
            ),
            class_name="kn",
        ),
    )


PAGE = Page(route=routes.KNOWLEDGE, title="Knowledge", view=view)
