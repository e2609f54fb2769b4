"""How a connection came: for who looks at it from outside."""

import time
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Arrival:
    """How and when it came.

    Attributes:
        transport: `websocket`, `http_stream`, …: the last part of the endpoint's address.
        session: The secret by which its client sends commands, where it has one.
        at: When, by a clock that never goes back.
    """

    transport: str = "websocket"
    session: str = ""
    at: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long ago."""
        return time.monotonic() - self.at
