"""What all connections of a process stand on."""

from dataclasses import dataclass

from protocols.operations.channels import Channels
from protocols.operations.hooks import Hooks
from protocols.operations.procedures import Procedures


@dataclass(frozen=True, slots=True, kw_only=True)
class Backing:
    """Given by the process that serves.

    Attributes:
        channels: What may be watched.
        version: What the server calls itself.
        procedures: What may be called; None: nothing.
        hooks: The application's server; None: there is none.
    """

    channels: Channels
    version: str = "pygent"
    procedures: Procedures | None = None
    hooks: Hooks | None = None
