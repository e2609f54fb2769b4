"""The agents of the team, and the form that makes one."""

import reflex as rx

from dashboard import routes
from dashboard.components.live import AgentsPage
from dashboard.components.shell import shell
from dashboard.components.skeletons import bar, rows
from dashboard.page import Page


def view() -> rx.Component:
    """The frame and its skeleton; the rest is live."""
    return shell(
        AgentsPage.create(),
        place=routes.AGENTS,
        title="Agents",
        skeleton=rx.el.div(
            rx.el.div(bar("sk-field"), class_name="filters"),
            rows(8),
        ),
    )


PAGE = Page(route=routes.AGENTS, title="Agents", view=view)
