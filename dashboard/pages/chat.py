"""A conversation with an agent, over as many tasks as it takes."""

import reflex as rx

from dashboard import routes
from dashboard.components.live import ChatPage
from dashboard.components.shell import shell
from dashboard.components.skeletons import bar
from dashboard.page import Page

_WIDTHS = (50, 90, 70, 80, 60)


def view() -> rx.Component:
    """The frame and its skeleton; the rest is live."""
    return shell(
        ChatPage.create(),
        place=routes.AGENTS,
        skeleton=rx.el.div(*(bar(f"sk-w{width}") for width in _WIDTHS), class_name="sk-stack"),
    )


PAGE = Page(route=routes.CHAT, title="Conversation", view=view)
