"""Models, API keys, appearance, and what this is."""

import reflex as rx

from dashboard import routes
from dashboard.components.live import SettingsPage
from dashboard.components.shell import shell
from dashboard.components.skeletons import bar, rows
from dashboard.page import Page


def view() -> rx.Component:
    """The frame and its skeleton; the rest is live."""
    return shell(
        SettingsPage.create(),
        place=routes.SETTINGS,
        title="Settings",
        skeleton=rx.el.div(
            rx.el.div(*(bar("sk-chip") for _ in range(4)), class_name="statebar"),
            rx.el.div(rx.el.div(rows(8), class_name="panel"), class_name="content"),
            class_name="settings",
        ),
    )


PAGE = Page(route=routes.SETTINGS, title="Settings", view=view)
