"""The factory itself: every part with its state, the queue and the processes, the last minutes."""

import reflex as rx

from dashboard import routes
from dashboard.components.live import SystemPage
from dashboard.components.shell import shell
from dashboard.components.skeletons import bar, panel, rows
from dashboard.page import Page


def view() -> rx.Component:
    """The frame and its skeleton; the rest is live."""
    return shell(
        SystemPage.create(),
        place=routes.SYSTEM,
        title="System",
        skeleton=rx.el.div(
            rx.el.div(bar("sk-w30"), class_name="allwell"),
            rx.el.div(*(panel("sk-h-chart") for _ in range(3)), class_name="syscharts"),
            rx.el.div(
                rx.el.div(rows(9), class_name="panel"), panel("sk-h-list"), class_name="sysgrid"
            ),
            class_name="content system",
        ),
    )


PAGE = Page(route=routes.SYSTEM, title="System", view=view)
