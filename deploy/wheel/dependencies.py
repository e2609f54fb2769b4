"""Build hook: the wheel's dependencies are the lines of `requirements.in`, written once."""

from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class RequirementsHook(MetadataHookInterface):
    """Reads `requirements.in` into the wheel's metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set `dependencies` to the requirement lines."""
        lines = (Path(self.root) / "requirements.in").read_text(encoding="utf-8").splitlines()
        metadata["dependencies"] = [line for line in lines if line and not line.startswith("#")]
