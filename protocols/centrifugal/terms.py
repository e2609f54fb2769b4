"""What a connection's being in a channel is like, whoever wanted it. Plain values."""

from dataclasses import dataclass

from protocols.centrifugal.grants import NO_OVERRIDES, Overrides


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What somebody's being in a channel is like.

    Attributes:
        is_by_server: No command asked for it: what ends it for want of state ends the connection.
        info: What others see of it in this channel, one line of JSON; empty: no more than of the
            connection.
        join_leave: Whether it wants to be told who comes and goes.
        expires_in: Seconds until it is over, unless a new token comes; None: never.
        data: Handed to the client with the subscription, one line of JSON; empty: nothing.
        overrides: Options of the channel that are otherwise for this subscriber.
    """

    is_by_server: bool = False
    info: bytes = b""
    join_leave: bool = False
    expires_in: float | None = None
    data: bytes = b""
    overrides: Overrides = NO_OVERRIDES


BY_COMMAND = Terms()
