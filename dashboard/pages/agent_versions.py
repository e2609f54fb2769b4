"""Two versions of an agent, and what differs between them."""

import reflex as rx

from dashboard import routes
from dashboard.components.live import AgentVersionsPage
from dashboard.components.shell import shell
from dashboard.components.skeletons import bar
from dashboard.page import Page

_WIDTHS = (50, 90, 70, 80)


def view() -> rx.Component:
    """The frame and its skeleton; the rest is live."""
    return shell(
        AgentVersionsPage.create(),
        place=routes.AGENTS,
        skeleton=rx.el.div(
            rx.el.div(bar("sk-chip"), bar("sk-chip"), class_name="filters"),
            rx.el.div(*(bar(f"sk-w{width}") for width in _WIDTHS), class_name="sk-stack"),
        ),
    )


PAGE = Page(route=routes.AGENT_VERSIONS, title="Versions", view=view)
