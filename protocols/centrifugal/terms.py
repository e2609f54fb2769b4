"""What a connection's being in a channel is like, whoever wanted it. Plain values."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What somebody's being in a channel is like.

    Attributes:
        is_by_server: No command asked for it: what ends it for want of state ends the connection.
        info: What others see of it in this channel, one line of JSON; empty: no more than of the
            connection.
        join_leave: Whether it wants to be told who comes and goes.
    """

    is_by_server: bool = False
    info: bytes = b""
    join_leave: bool = False


BY_COMMAND = Terms()
