"""One task: the answer as it is written, the steps as they happen, every event behind them."""

import reflex as rx

from dashboard import routes
from dashboard.components.live import TaskPage
from dashboard.components.shell import shell
from dashboard.components.skeletons import bar, rows
from dashboard.page import Page


def view() -> rx.Component:
    """The frame and its skeleton; the rest is live."""
    return shell(
        TaskPage.create(),
        place=routes.TASKS,
        is_narrow=True,
        skeleton=rx.el.div(
            rx.el.div(bar("sk-w40 sk-tall"), bar("sk-w60"), class_name="taskhead sk-stack"),
            rx.el.div(
                rx.el.div(
                    *(bar(f"sk-w{width}") for width in (60, 80, 70, 90, 50)),
                    class_name="talk sk-stack",
                ),
                rx.el.div(rows(9), class_name="steps"),
                class_name="taskbody",
            ),
        ),
    )


PAGE = Page(route=routes.TASK, title="Task", view=view)
