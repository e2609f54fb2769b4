"""The realtime hub: who is connected, which channels are open, how readers come back."""

import reflex as rx

from dashboard import routes
from dashboard.components.live import HubPage
from dashboard.components.shell import shell
from dashboard.components.skeletons import panel, rows
from dashboard.page import Page


def view() -> rx.Component:
    """The frame and its skeleton; the rest is live."""
    return shell(
        HubPage.create(),
        place=routes.HUB,
        title="Hub",
        skeleton=rx.el.div(
            rx.el.div(*(panel("sk-h-chart") for _ in range(3)), class_name="syscharts"),
            rx.el.div(rows(2), class_name="panel"),
            rx.el.div(
                rx.el.div(rows(8), class_name="panel"), panel("sk-h-list"), class_name="hubgrid"
            ),
            class_name="content system hubpage",
        ),
    )


PAGE = Page(route=routes.HUB, title="Hub", view=view)
