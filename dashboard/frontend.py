"""The Reflex app: what `reflex export` compiles into the site.

It has no state: what is live comes to the page from the hub directly, and forms ask the REST API.
So a server needs the built files only, and never imports this module; `app.py` serves them.
"""

import reflex as rx

from dashboard import theme
from dashboard.components.boundary import Boundary
from dashboard.components.icons import icon, sprite
from dashboard.components.link import Link
from dashboard.pages import PAGES
from dashboard.routes import OVERVIEW

_STYLESHEETS = (
    "base",
    "shell",
    "controls",
    "lists",
    "charts",
    "talk",
    "steps",
    "knowledge",
    "system",
    "hub",
    "editor",
    "chat",
    "palette",
    "phone",
)

# Before anything is drawn: how close rows stand is kept in the browser (assets/density.js).
_DENSITY = (
    'try{if(localStorage.getItem("pygent-density")==="compact")'
    'document.documentElement.dataset.density="compact"}catch{}'
)

app = rx.App(
    enable_state=False,
    theme=None,
    toaster=None,
    app_wraps={(55, "Boundary"): lambda _is_stateful: Boundary.create()},
    html_lang="en",
    html_custom_attrs={"class": "dark"},
    stylesheets=[f"/styles/{name}.css" for name in _STYLESHEETS],
    head_components=[
        rx.el.script(_DENSITY),
        rx.el.meta(name="color-scheme", content="dark light"),
        rx.el.meta(name="description", content="Run agents, and see every step as it happens."),
        *(
            rx.el.meta(
                name="theme-color",
                content=tokens["bg"],
                custom_attrs={"media": f"(prefers-color-scheme: {name})"},
            )
            for name, tokens in (("light", theme.LIGHT), ("dark", theme.DARK))
        ),
        rx.el.link(rel="icon", href="/icon.svg", type="image/svg+xml"),
        rx.el.link(rel="apple-touch-icon", href="/apple-touch-icon.png"),
        rx.el.link(rel="manifest", href="/manifest.webmanifest"),
    ],
)


def _nowhere() -> rx.Component:
    return rx.fragment(
        sprite(),
        rx.el.main(
            rx.el.h1("There is no such page"),
            rx.el.p("The address may be mistyped, or the page was moved.", class_name="quiet"),
            Link.create(icon("leftc"), "Overview", to=OVERVIEW, class_name="btn"),
            id="main",
            class_name="nowhere",
        ),
    )


for page in PAGES:
    app.add_page(page.view, route=page.route, title=f"{page.title} · PyGent Factory")
app.add_page(_nowhere, route="404", title="Not found · PyGent Factory")
