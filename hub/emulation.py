"""Commands for a stream that another hub has, handed over to it; and those that others hand to us.

A load balancer knows nothing of sessions: what a stream's client sends comes to any hub.
"""

from protocols.centrifugal.transports import sessions
from protocols.centrifugal.transports.sessions import Sessions
from protocols.errors import LimitExceeded, NotFound, Unavailable
from store.redis.control import ACKNOWLEDGE_SECONDS, Control
from store.redis.messages import Message

KIND = "emulation"
_TAKEN = b"taken"
_FULL = b"full"


class OtherHubs:
    """Where this hub hands over what is not its own. It waits for ACKNOWLEDGE_SECONDS at most.

    What came here in order is heard there in order: each is queued for Redis before anything is
    waited for.
    """

    def __init__(self, control: Control) -> None:
        self._control = control

    async def hand_over(self, node: str, session: str, frame: bytes) -> None:
        """As `Sessions.put` promises it."""
        body = session.encode() + b"\n" + frame
        try:
            answer = await self._control.ask(node, KIND, body, within_seconds=ACKNOWLEDGE_SECONDS)
        except LimitExceeded as error:  # of this hub; not of the client, who connects again then
            raise Unavailable(error.message) from None
        if answer is None:
            raise sessions.unknown()
        if answer == _FULL:
            raise sessions.full()


def hear(here: Sessions, message: Message) -> bytes | None:
    """Take what another hub hands over; None: there is no such session here."""
    session, _, frame = message.body.partition(b"\n")
    try:
        here.take(session.decode(errors="replace"), frame)
    except NotFound:
        return None
    except Unavailable:
        return _FULL
    return _TAKEN
