"""The list of tasks: states as filters, everything chosen stands in the address."""

import reflex as rx

from dashboard import routes
from dashboard.components.live import TasksPage
from dashboard.components.shell import shell
from dashboard.components.skeletons import bar, rows
from dashboard.page import Page


def view() -> rx.Component:
    """The frame and its skeleton; the rest is live."""
    return shell(
        TasksPage.create(),
        place=routes.TASKS,
        title="Tasks",
        skeleton=rx.el.div(
            rx.el.div(*(bar("sk-chip") for _ in range(7)), class_name="statebar"),
            rx.el.div(bar("sk-field"), bar("sk-chip"), bar("sk-chip"), class_name="filters"),
            rows(22),
        ),
    )


PAGE = Page(route=routes.TASKS, title="Tasks", view=view)
