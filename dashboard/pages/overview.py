"""The team now: what works, how fast, how much failed, what it cost, and what happens."""

import reflex as rx

from dashboard import routes
from dashboard.components.live import OverviewPage
from dashboard.components.shell import shell
from dashboard.components.skeletons import bar, panel
from dashboard.page import Page

_NUMBERS = 6  # of the row at the top


def view() -> rx.Component:
    """The frame and its skeleton; the rest is live."""
    return shell(
        OverviewPage.create(),
        place=routes.OVERVIEW,
        title="Overview",
        skeleton=rx.el.div(
            rx.el.div(*(_number() for _ in range(_NUMBERS)), class_name="stats"),
            rx.el.div(
                rx.el.div(
                    rx.el.div(panel("sk-h-chart"), panel("sk-h-chart"), class_name="ov-charts"),
                    panel("sk-h-list"),
                ),
                rx.el.div(panel("sk-h-list")),
                class_name="ov",
            ),
            class_name="content",
        ),
    )


def _number() -> rx.Component:
    return rx.el.div(bar("sk-w60"), bar("sk-w40 sk-tall"), bar("sk-w80"), class_name="stat sk-stat")


PAGE = Page(route=routes.OVERVIEW, title="Overview", view=view)
