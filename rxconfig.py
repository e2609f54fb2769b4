"""Settings of the dashboard's build; Reflex reads this file from the current directory.

Only `reflex export` uses it. A running product serves the built files and never imports Reflex.
"""

import reflex as rx
from reflex.plugins import SitemapPlugin

from dashboard.build_loading import EarlyPages, OwnRuntime
from dashboard.build_plugin import OfflineShell, OnlyTheSite, Stylesheet
from dashboard.build_texts import Texts

config = rx.Config(
    app_name="dashboard",
    app_module_import="dashboard.frontend",
    telemetry_enabled=False,
    show_built_with_reflex=False,  # else a badge stands on every page
    backend_host="127.0.0.1",
    disable_plugins=[SitemapPlugin],
    react_strict_mode=False,  # says things while developing only
    frontend_compression_formats=["brotli", "gzip"],
    plugins=[
        Stylesheet(),
        OwnRuntime(),
        OnlyTheSite(),
        Texts(),
        EarlyPages(),
        OfflineShell(),
    ],
)
