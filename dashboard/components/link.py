"""A link to another page of the dashboard: followed without loading the document again."""

import reflex as rx


class Link(rx.Component):
    """React Router's own link."""

    library = "react-router"
    tag = "Link"

    to: rx.Var[str]
    title: rx.Var[str]
