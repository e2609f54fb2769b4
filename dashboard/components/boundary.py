"""What stands where a page could not be drawn; in the place of Reflex's own, which names Reflex."""

import reflex as rx


class Boundary(rx.Component):
    """Around everything that is drawn."""

    library = "$/public/boundary.jsx"
    tag = "Boundary"
    is_default = False
