"""What the build adds to Reflex's own: the theme and the offline shell; and what it leaves out.

Runs only inside `reflex export`. How pages are loaded is `build_loading.py`.
"""

import hashlib
import shutil
from collections.abc import Sequence
from pathlib import Path

from reflex.plugins import Plugin

from dashboard import theme

_TOKENS = "tokens.css"
_FONTS = ("@fontsource-variable/inter@5.3.0", "@fontsource-variable/jetbrains-mono@5.3.0")
_OFFLINE = Path(__file__).parent / "offline"


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
