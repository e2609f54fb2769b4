"""What an operator wants to find later of who came in: one line of the log each, and no secret.

The names are for programs and stand in `docs/monitoring.md`; they do not change. Each line has the
address it came from, and the ids of its request. What is kept for longer than a log is not here.
"""

import logging
from enum import StrEnum

from hub.identity.address import ADDRESS
from protocols.principals import Principal

logger = logging.getLogger(__name__)


class Happened(StrEnum):
    """The name of a line."""

    TICKET_USED = "ticket.used"
    TICKET_REFUSED = "ticket.refused"  # wrong, used before, or too old: nobody is told which
    LOGIN_SUCCEEDED = "login.succeeded"
    LOGIN_FAILED = "login.failed"
    SESSION_ENDED = "session.ended"  # by its person
    KEY_CREATED = "key.created"
    KEY_REVOKED = "key.revoked"
    # A key or a session that is none, has ended or was revoked.
    SECRET_REFUSED = "secret.refused"  # noqa: S105  the name of an event
    ACCESS_DENIED = "access.denied"  # known or not, they may not do that, or not from that site


REFUSALS = frozenset(
    {
        Happened.TICKET_REFUSED,
        Happened.LOGIN_FAILED,
        Happened.SECRET_REFUSED,
        Happened.ACCESS_DENIED,
    }
)


def note(what: Happened, who: Principal | None = None, **details: str | int | None) -> None:
    """It stands in the log.

    Args:
        what: What happened.
        who: Who did it, where that is known.
        details: More of it; no secrets.
    """
    known = {"actor": who.actor, "team": who.team} if who else {}
    level = logging.WARNING if what in REFUSALS else logging.INFO
    logger.log(level, what.value, extra={"address": ADDRESS.get(), **known, **details})
