"""The layouts of the pages before anything is known: grey bars where text will stand."""

import reflex as rx

_WIDTHS = (
    62,
    48,
    71,
    55,
    44,
    66,
    58,
    39,
    69,
    51,
    60,
    46,
    73,
    54,
    49,
    64,
)  # percent, as titles vary


def bar(name: str) -> rx.Component:
    """A grey bar; `name` is one of the width classes of the stylesheet."""
    return rx.el.span(class_name=f"sk {name}")


def rows(count: int) -> rx.Component:
    """Rows of a dense list."""
    return rx.el.div(
        *(
            rx.el.div(
                bar("sk-dot"),
                bar(f"sk-w{_WIDTHS[index % len(_WIDTHS)] // 10 * 10}"),
                bar("sk-lane"),
                bar("sk-num"),
                class_name="sk-row",
            )
            for index in range(count)
        ),
        class_name="sk-rows",
    )


def panels(*heights: str) -> rx.Component:
    """Empty panels of the given height classes."""
    return rx.el.div(*(panel(height) for height in heights), class_name="sk-panels")


def panel(height: str) -> rx.Component:
    """An empty panel with a heading."""
    return rx.el.div(bar("sk-w30"), class_name=f"panel sk-panel {height}")
