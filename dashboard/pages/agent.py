"""One agent: its spec and versions, a question to it, its latest tasks."""

import reflex as rx

from dashboard import routes
from dashboard.components.live import AgentPage
from dashboard.components.shell import shell
from dashboard.components.skeletons import panels
from dashboard.page import Page


def view() -> rx.Component:
    """The frame and its skeleton; the rest is live."""
    return shell(
        AgentPage.create(),
        place=routes.AGENTS,
        skeleton=rx.el.div(panels("sk-h-stats", "sk-h-list"), class_name="content"),
    )


PAGE = Page(route=routes.AGENT, title="Agent", view=view)
