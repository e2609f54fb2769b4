"""A new agent: from a template or another agent, judged while it is written."""

import reflex as rx

from dashboard import routes
from dashboard.components.live import NewAgentPage
from dashboard.components.shell import shell
from dashboard.components.skeletons import panels
from dashboard.page import Page


def view() -> rx.Component:
    """The frame and its skeleton; the rest is live."""
    return shell(
        NewAgentPage.create(),
        place=routes.AGENTS,
        skeleton=rx.el.div(panels("sk-h-chart", "sk-h-chart"), class_name="content"),
    )


PAGE = Page(route=routes.NEW_AGENT, title="New agent", view=view)
