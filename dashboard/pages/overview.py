"""The team now: what works, how fast, how much failed, what it cost, and what happens."""

import reflex as rx

from dashboard import routes
from dashboard.components.live import OverviewPage
from dashboard.components.shell import shell
from dashboard.components.skeletons import panels
from dashboard.page import Page


def view() -> rx.Component:
    """The frame and its skeleton; the rest is live."""
    return shell(
        OverviewPage.create(),
        place=routes.OVERVIEW,
        title="Overview",
        skeleton=rx.el.div(panels("sk-h-stats", "sk-h-chart", "sk-h-list"), class_name="content"),
    )


PAGE = Page(route=routes.OVERVIEW, title="Overview", view=view)
