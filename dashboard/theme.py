"""Every colour, distance and face of type of the dashboard, in two themes of equal care.

The one source: the build writes `stylesheet()` into the site, the stylesheets in `assets/` use
only the variables made here. Names are those of the design, in snake case.
"""

MEASURES: dict[str, str] = {  # the same in both themes
    "font_sans": (
        '"Inter Variable", '
        "Inter, "
        "system-ui, "
        '"Segoe UI", '
        "Roboto, "
        '"Helvetica Neue", '
        "Arial, "
        "sans-serif"
    ),
    "font_mono": (
        '"JetBrains Mono Variable", '
        '"JetBrains Mono", '
        "ui-monospace, "
        '"SF Mono", '
        "Menlo, "
        "Consolas, "
        "monospace"
    ),
    "space_1": "4px",
    "space_2": "8px",
    "space_3": "12px",
    "space_4": "16px",
    "space_6": "24px",
    "space_8": "32px",
    "radius_control": "6px",
    "radius_card": "10px",
    "row": "36px",
    "sidebar": "208px",
    "rail": "56px",
    "motion": "160ms",
}

DARK: dict[str, str] = {
    "bg": "#0a0d12",
    "surface": "#0f1319",
    "raised": "#161b23",
    "sunken": "#0a0d11",
    "hover": "#151a22",
    "selected": "#1b1d33",
    "line": "#1f2631",
    "line_soft": "#181e27",
    "line_strong": "#343e4d",
    "track": "#242c38",
    "skeleton": "#1c232d",
    "text": "#e7ebf1",
    "text_2": "#adb6c3",
    "text_3": "#8792a3",
    "accent": "#625ee8",
    "accent_hover": "#5551d8",
    "accent_text": "#a09ffb",
    "accent_soft": "#1e1f3d",
    "on_accent": "#ffffff",
    "on_fill": "#0a0d12",
    "focus": "#8b89ff",
    "submitted": "#9aa5b5",
    "working": "#5aa9ff",
    "waiting": "#f0b445",
    "completed": "#4fc47a",
    "failed": "#ff7672",
    "canceled": "#8f9bac",
    "rejected": "#da8ad2",
    "submitted_soft": "#242930",
    "working_soft": "#1a2a3c",
    "waiting_soft": "#312b20",
    "completed_soft": "#192e28",
    "failed_soft": "#332226",
    "canceled_soft": "#22272f",
    "rejected_soft": "#2d2535",
    "working_fill": "#5aa9ff",
    "model": "#a994fa",
    "tool": "#f29a64",
    "retrieval": "#3fc2d6",
    "memory": "#f285b9",
    "thought": "#c5ad90",
    "agent": "#adcb5f",
    "model_fill": "#8d73ef",
    "tool_fill": "#e07c3c",
    "retrieval_fill": "#24a7bb",
    "memory_fill": "#dc5f9b",
    "thought_fill": "#a38b6c",
    "agent_fill": "#8caf38",
    "model_soft": "#26263b",
    "tool_soft": "#312724",
    "retrieval_soft": "#162d35",
    "memory_soft": "#312431",
    "thought_soft": "#2a2a2b",
    "agent_soft": "#272f24",
    "c_key": "#8ab8f5",
    "c_str": "#9bcf8f",
    "c_num": "#f2b880",
    "c_kw": "#c3a6ff",
    "mark": "#4d3f14",
    "veil": "rgb(4 6 9 / 0.62)",
    "float": "0 16px 48px rgb(0 0 0 / 0.5)",
}

LIGHT: dict[str, str] = {
    "bg": "#f6f7f9",
    "surface": "#ffffff",
    "raised": "#ffffff",
    "sunken": "#f1f3f6",
    "hover": "#f4f5f8",
    "selected": "#efeefd",
    "line": "#e1e5ea",
    "line_soft": "#edf0f3",
    "line_strong": "#c2c9d3",
    "track": "#dfe3e9",
    "skeleton": "#e6e9ee",
    "text": "#151a21",
    "text_2": "#465160",
    "text_3": "#5f6a79",
    "accent": "#5652d8",
    "accent_hover": "#4743c4",
    "accent_text": "#4b47ca",
    "accent_soft": "#ecebfd",
    "on_accent": "#ffffff",
    "on_fill": "#ffffff",
    "focus": "#5652d8",
    "submitted": "#5a6473",
    "working": "#175fcb",
    "waiting": "#875300",
    "completed": "#14713a",
    "failed": "#c0262c",
    "canceled": "#566070",
    "rejected": "#90328a",
    "submitted_soft": "#f0f1f2",
    "working_soft": "#eaf1fa",
    "waiting_soft": "#f4f0e8",
    "completed_soft": "#eaf2ed",
    "failed_soft": "#f9ebec",
    "canceled_soft": "#f0f1f2",
    "rejected_soft": "#f5edf4",
    "working_fill": "#1f6fe0",
    "model": "#674ad6",
    "tool": "#a84a13",
    "retrieval": "#076b7a",
    "memory": "#af2a6f",
    "thought": "#725c3d",
    "agent": "#4b650b",
    "model_fill": "#8468ec",
    "tool_fill": "#d2661f",
    "retrieval_fill": "#1591a6",
    "memory_fill": "#d94f92",
    "thought_fill": "#9b805c",
    "agent_fill": "#728f16",
    "model_soft": "#f1effb",
    "tool_soft": "#f7efea",
    "retrieval_soft": "#e9f2f3",
    "memory_soft": "#f8ecf2",
    "thought_soft": "#f2f0ee",
    "agent_soft": "#eff1e9",
    "c_key": "#1c5fb8",
    "c_str": "#2c6e2f",
    "c_num": "#a04a10",
    "c_kw": "#6a45c4",
    "mark": "#fdeba6",
    "veil": "rgb(21 26 33 / 0.32)",
    "float": "0 16px 48px rgb(21 26 33 / 0.18)",
}

FONTS = (  # family, file inside the npm packages the build installs, range of weights
    ("Inter Variable", "inter/files/inter-latin-wght-normal.woff2", "100 900"),
    (
        "JetBrains Mono Variable",
        "jetbrains-mono/files/jetbrains-mono-latin-wght-normal.woff2",
        "100 800",
    ),
)


def stylesheet() -> str:
    """Fonts and CSS variables: dark by default, light where the class on the root says so."""
    faces = [_face(family, file, weights) for family, file, weights in FONTS]
    return "\n".join([*faces, variables()])


def variables() -> str:
    """The CSS variables alone."""
    return "\n".join(
        [
            _block(":root", MEASURES),
            _block(":root, .dark", {"color_scheme": "dark", **DARK}),
            _block(".light", {"color_scheme": "light", **LIGHT}),
        ],
    )


def _face(family: str, file: str, weights: str) -> str:
    return (
        f'@font-face {{ font-family: "{family}"; font-weight: {weights}; font-display: swap;'
        f' src: url("@fontsource-variable/{file}") format("woff2"); }}'
    )


def _block(selector: str, tokens: dict[str, str]) -> str:
    lines = [f"  {_property(name)}: {value};" for name, value in tokens.items()]
    return "\n".join([f"{selector} {{", *lines, "}"])


def _property(name: str) -> str:
    dashed = name.replace("_", "-")
    return dashed if dashed == "color-scheme" else f"--{dashed}"
