"""What the build adds to Reflex's own: the theme, pages that serve any address, the offline shell.

Runs only inside `reflex export`.
"""

import hashlib
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from reflex.plugins import Plugin

from dashboard import theme

_TOKENS = "tokens.css"
_FONTS = ("@fontsource-variable/inter@5.3.0", "@fontsource-variable/jetbrains-mono@5.3.0")
_OFFLINE = Path(__file__).parent / "offline"
_ADDRESS = re.compile(r"`(ws|http)://[^/`]+(/[^`]*)`")


class Stylesheet(Plugin):
    """Writes the theme's variables and faces of type where the other stylesheets find them."""

    def get_frontend_development_dependencies(self, **_context: object) -> list[str]:
        """The packages the fonts come from; the site carries them, no page asks elsewhere.

        Not among the other dependencies: Reflex imports those whole, with every subset.
        """
        return list(_FONTS)

    def get_static_assets(self, **_context: object) -> Sequence[tuple[Path, str | bytes]]:
        """The one generated stylesheet."""
        return [(Path("styles") / _TOKENS, theme.stylesheet())]

    def get_stylesheet_paths(self, **_context: object) -> Sequence[str]:
        """Put before the stylesheets of `assets/`."""
        return [f"./{_TOKENS}"]


class SameOrigin(Plugin):
    """Makes the pages ask the origin they came from, whatever the build took for its address."""

    def post_build(self, *, static_dir: Path, **_context: object) -> None:
        """Rewrite the address that is baked into the site.

        Raises:
            RuntimeError: There is none; Reflex writes it elsewhere now.
        """
        changed = 0
        for script in static_dir.glob("**/assets/reflex-env-*.js"):
            text, count = _ADDRESS.subn(_follow_origin, script.read_text())
            script.write_text(text)
            changed += count
        if not changed:
            raise RuntimeError("no backend address found in the built pages")


class OnlyTheSite(Plugin):
    """Leaves the sources of the live parts out of the site: they are in its bundles already."""

    def post_build(self, *, static_dir: Path, **_context: object) -> None:
        """Remove what Reflex copied from `assets/` for the bundler alone."""
        for pattern in ("*.js", "*.jsx", "*.js.gz", "*.jsx.gz"):
            for source in static_dir.glob(pattern):
                source.unlink()
        shutil.rmtree(static_dir / "styles", ignore_errors=True)


class OfflineShell(Plugin):
    """Adds the page that says there is no connection, and the service worker that shows it.

    The worker is named by what was built, so that every other build has one of its own. After all
    that changes the site.
    """

    def post_build(self, *, static_dir: Path, **_context: object) -> None:
        """Write both beside the pages."""
        page = (_OFFLINE / "offline.html").read_text()
        (static_dir / "offline.html").write_text(page.replace("@TOKENS@", theme.variables()))
        worker = (_OFFLINE / "sw.js").read_text()
        (static_dir / "sw.js").write_text(worker.replace("@BUILD@", _name(static_dir)))


def _name(site: Path) -> str:
    """Another one for every other site: of what its files are called and hold."""
    said = hashlib.sha256()
    for file in sorted(path for path in site.rglob("*") if path.is_file()):
        said.update(f"{file.relative_to(site)}\0".encode())
        said.update(hashlib.sha256(file.read_bytes()).digest())
    return said.hexdigest()[:16]


def _follow_origin(match: re.Match[str]) -> str:
    base = "location.origin.replace(/^http/,`ws`)" if match[1] == "ws" else "location.origin"
    return f"({base}+`{match[2]}`)"
