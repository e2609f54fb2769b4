"""The door: there is no password, a link that works once comes from the terminal."""

import reflex as rx

from dashboard import routes
from dashboard.components.icons import icon, sprite
from dashboard.components.live import LoginDoor
from dashboard.page import Page

# Steps of imaginary tasks as (kind, percent of the width): decoration, said to nobody.
_LANES = (
    (("thought", 8), ("model", 4), ("model", 12), ("memory", 10), ("model", 10), ("tool", 9)),
    (("retrieval", 12), ("model", 19), ("model", 12), ("model", 12), ("tool", 19)),
    (("model", 4), ("model", 10), ("tool", 11), ("model", 11), ("retrieval", 3), ("model", 18)),
    (("tool", 20), ("model", 13), ("retrieval", 9), ("model", 9), ("memory", 9), ("model", 25)),
    (("retrieval", 13), ("model", 2), ("model", 10), ("agent", 24), ("model", 14)),
    (("agent", 5), ("thought", 3), ("model", 14), ("retrieval", 5), ("model", 10), ("tool", 16)),
)
_COMMANDS = (
    ("Is it running already?", "pygent login-link"),
    ("Not running yet? It prints a link when it is ready.", "pygent up"),
)


def view() -> rx.Component:
    """What the link is, where it comes from, and what waits behind the door."""
    return rx.fragment(
        sprite(),
        LoginDoor.create(),
        rx.el.main(_form(), _show(), id="main", class_name="login"),
    )


def _form() -> rx.Component:
    return rx.el.section(
        rx.el.p(rx.el.span(icon("hub"), class_name="glyph"), "PyGent Factory", class_name="brand"),
        rx.el.div(
            rx.el.h1("Open your link"),
            rx.el.p(
                "There is no password. A link that works once, for ten minutes, "
                "comes from the terminal of the machine that runs PyGent Factory.",
                class_name="quiet",
            ),
            *(_command(label, command) for label, command in _COMMANDS),
            class_name="box",
        ),
        rx.el.p(
            "Programs use a key instead: ",
            rx.el.code("pygent token create"),
            class_name="meta",
        ),
        class_name="form",
    )


def _command(label: str, command: str) -> rx.Component:
    return rx.el.div(
        rx.el.p(label, class_name="meta"),
        rx.el.div(
            rx.el.span("$", class_name="p", aria_hidden="true"),
            rx.el.span(command),
            class_name="cmd",
        ),
        class_name="login-command",
    )


def _show() -> rx.Component:
    return rx.el.section(
        rx.el.h2("Watch agents work, and miss nothing."),
        rx.el.p(
            "Every step is written to one log before anyone sees it. Reload, reconnect or come "
            "back tomorrow: the same numbers, the same picture.",
            class_name="quiet",
        ),
        rx.el.div(*(_lane(lane) for lane in _LANES), class_name="looms", aria_hidden="true"),
        class_name="show",
    )


def _lane(lane: tuple[tuple[str, int], ...]) -> rx.Component:
    bars: list[rx.Component] = []
    left = 0
    for kind, share in lane:
        bars.append(
            rx.el.rect(x=left, y=1, width=share, height=6, class_name=f"loom-{kind}"),
        )
        left += share + 1
    return rx.el.svg(
        *bars,
        view_box="0 0 100 8",
        preserve_aspect_ratio="none",
        class_name="loom",
    )


PAGE = Page(route=routes.LOGIN, title="Log in", view=view)
