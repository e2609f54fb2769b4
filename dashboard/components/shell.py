"""The frame around every page but the login: side bar, top bar, and on a phone the bottom bar."""

from dataclasses import dataclass

import reflex as rx
from reflex_components_core.el.element import Element

from dashboard import routes
from dashboard.components.icons import icon, sprite
from dashboard.components.link import Link
from dashboard.components.live import (
    Account,
    ConnectionLight,
    Notices,
    OpenTasks,
    Palette,
    RunAgent,
    Worker,
)


class _Anchor(Element):
    """A plain anchor, for a place on the same page; `rx.el.a` is one of the router's links."""

    tag = "a"
    href: rx.Var[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    name: str
    route: str
    icon: str


_PLACES = (
    _Place(name="Overview", route=routes.OVERVIEW, icon="overview"),
    _Place(name="Tasks", route=routes.TASKS, icon="tasks"),
    _Place(name="Agents", route=routes.AGENTS, icon="agents"),
    _Place(name="Knowledge", route=routes.KNOWLEDGE, icon="knowledge"),
    _Place(name="Hub", route=routes.HUB, icon="hub"),
    _Place(name="System", route=routes.SYSTEM, icon="system"),
)
_LAST = _Place(name="Settings", route=routes.SETTINGS, icon="settings")  # on a phone: from System


def shell(
    *live: rx.Component,
    place: str,
    skeleton: rx.Component,
    title: str | None = None,
    is_narrow: bool = False,
) -> rx.Component:
    """A page in its frame.

    Args:
        *live: What the browser draws over the skeleton once it runs.
        place: The route that is marked as the current one.
        skeleton: The layout of the page before anything is known.
        title: The page's heading; None where the live part writes its own.
        is_narrow: The side bar shows icons only, for pages that need the width.
    """
    return rx.fragment(
        sprite(),
        _Anchor.create("Skip to the page", href="#main", class_name="skip"),
        rx.el.div(
            _sidebar(place),
            rx.el.main(
                _topbar(title),
                rx.el.div(*live, rx.el.div(skeleton, class_name="skeleton"), class_name="stage"),
                id="main",
                class_name="main",
                tab_index=-1,
            ),
            _bottombar(place),
            class_name="app rail" if is_narrow else "app",
        ),
        Notices.create(),
        Worker.create(),
    )


def _sidebar(place: str) -> rx.Component:
    return rx.el.nav(
        Link.create(
            rx.el.span(icon("hub"), class_name="glyph"),
            rx.el.span("PyGent Factory", class_name="label"),
            to=routes.OVERVIEW,
            class_name="brand-link",
            aria_label="PyGent Factory",
        ),
        rx.el.div(*(_place(item, place) for item in _PLACES), class_name="nav"),
        rx.el.div(_place(_LAST, place), class_name="nav last"),
        Account.create(),
        aria_label="Main",
        class_name="sidebar",
    )


def _place(item: _Place, place: str) -> rx.Component:
    count = [OpenTasks.create()] if item.route == routes.TASKS else []
    return Link.create(
        icon(item.icon),
        rx.el.span(item.name, class_name="label"),
        *count,
        to=item.route,
        title=item.name,
        **_current(item, place),
    )


def _current(item: _Place, place: str) -> dict[str, str]:
    return {"aria_current": "page"} if item.route == place else {}


def _topbar(title: str | None) -> rx.Component:
    heading = rx.el.h1(title) if title else rx.fragment()
    return rx.el.header(
        rx.el.div(heading, id="crumbs", class_name="crumbs"),
        rx.el.span(class_name="grow"),
        ConnectionLight.create(),
        rx.el.div(id="actions", class_name="row"),
        RunAgent.create(),
        Palette.create(),
        class_name="topbar",
    )


def _bottombar(place: str) -> rx.Component:
    links = [
        Link.create(icon(item.icon, size=20), item.name, to=item.route, **_current(item, place))
        for item in _PLACES
    ]
    return rx.el.nav(*links, aria_label="Main, on a phone", class_name="bottombar")
