"""The next version of an agent: its form and its source, beside each other."""

import reflex as rx

from dashboard import routes
from dashboard.components.live import EditAgentPage
from dashboard.components.shell import shell
from dashboard.components.skeletons import bar
from dashboard.page import Page

_WIDTHS = (40, 80, 60, 90, 50)


def view() -> rx.Component:
    """The frame and its skeleton; the rest is live."""
    return shell(
        EditAgentPage.create(),
        place=routes.AGENTS,
        skeleton=rx.el.div(*(bar(f"sk-w{width}") for width in _WIDTHS), class_name="sk-stack"),
    )


PAGE = Page(route=routes.EDIT_AGENT, title="Edit agent", view=view)
