"""What the page About links to and the site therefore carries: changelog, licence and notices.

Plain text, as it stands in the repository. Runs only inside `reflex export`.
"""

import shutil
from pathlib import Path

from reflex.plugins import Plugin

_ROOT = Path(__file__).parents[1]
_TEXTS = {
    "changelog.txt": _ROOT / "docs" / "changelog.md",
    "licences.txt": _ROOT / "docs" / "licences.md",
    "licence.txt": _ROOT / "LICENSE",
    "notices.txt": _ROOT / "NOTICES",
}


class Texts(Plugin):
    """Puts them at the top of the site, so that nobody has to leave the machine to read them."""

    def post_build(self, *, static_dir: Path, **_context: object) -> None:
        """Each under its name there."""
        for name, file in _TEXTS.items():
            shutil.copyfile(file, static_dir / name)
