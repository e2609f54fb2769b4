"""Every error the factory raises.

    FactoryError                  code: str, retryable: bool
    ├── InvalidRequest            malformed, or breaks a rule
    ├── Unauthenticated
    ├── Forbidden
    ├── NotFound                  also for what belongs to another team
    ├── Conflict
    │   ├── WrongVersion          the stream moved on
    │   ├── InvalidTransition     the state does not allow it
    │   ├── Fenced                a newer attempt holds the task, or it is over
    │   ├── Gap                   an earlier append of the attempt was refused
    │   ├── AlreadyExists
    │   └── Unreadable            the stream holds what this version cannot fold
    ├── LimitExceeded             says the limit and its unit
    ├── Unavailable               store or model out of reach; retryable
    └── AttemptFailed             ends as an event, not as a response
        ├── ModelFailed
        ├── ToolFailed
        └── BudgetExceeded

Bindings translate these to their own codes, each in one table. A message names the thing, the rule
and the value, and is safe to show to whoever asked: no driver's text, no secret, no content.
"""

from collections.abc import Iterator
from typing import ClassVar


class FactoryError(Exception):
    """What went wrong, in a sentence for the one who asked.

    Attributes:
        code: Stable, for programs; part of every protocol's answer.
        retryable: Whether the same request may succeed later, unchanged.
        field: The part of the request the message is about, as a dotted path; None if it is none.
    """

    code: ClassVar[str] = "internal"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, field: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.field = field


class InvalidRequest(FactoryError):
    """The request is malformed or breaks a rule; repeating it unchanged cannot help."""

    code = "invalid_request"


class Unauthenticated(FactoryError):
    """Nobody, or nobody we know, is asking."""

    code = "unauthenticated"


class Forbidden(FactoryError):
    """The one who asks may not do this."""

    code = "forbidden"


class NotFound(FactoryError):
    """There is no such thing in the asking team; another team's things answer the same."""

    code = "not_found"


class Conflict(FactoryError):
    """The request is sound, and what it is about does not allow it now."""

    code = "conflict"


class WrongVersion(Conflict):
    """The stream is not at the expected version: read it again, then decide again."""

    code = "wrong_version"


class InvalidTransition(Conflict):
    """The state does not allow this move."""

    code = "invalid_transition"


class Fenced(Conflict):
    """A newer attempt holds the task, or the task is over: stop, never re-read and retry."""

    code = "fenced"


class Gap(Conflict):
    """An earlier append of this attempt was refused: the attempt stops."""

    code = "gap"


class AlreadyExists(Conflict):
    """The name or key is taken."""

    code = "already_exists"


class Unreadable(Conflict):
    """The stream holds what this version of the factory cannot fold; the task is ended."""

    code = "unreadable"


class LimitExceeded(FactoryError):
    """A rate, size or number is over its limit; the message says the limit and its unit.

    Attributes:
        retry_seconds: When trying again makes sense; None where that is not known.
    """

    code = "limit_exceeded"

    def __init__(
        self, message: str, *, field: str | None = None, retry_seconds: float | None = None
    ) -> None:
        super().__init__(message, field=field)
        self.retry_seconds = retry_seconds


class Unavailable(FactoryError):
    """The store, or a model, is out of reach; the same request may be repeated."""

    code = "unavailable"
    retryable = True


class AttemptFailed(FactoryError):
    """An attempt cannot go on; it ends as an event of its task."""

    code = "attempt_failed"


class ModelFailed(AttemptFailed):
    """A model did not answer, or its answer cannot be used."""

    code = "model_failed"


class ToolFailed(AttemptFailed):
    """A tool could not do what it was asked."""

    code = "tool_failed"


class BudgetExceeded(AttemptFailed):
    """A limit of the agent is reached: steps, tokens, seconds or money."""

    code = "budget_exceeded"


def leaves(root: type[FactoryError] = FactoryError) -> Iterator[type[FactoryError]]:
    """Every error type of this tree, the root first; bindings prove their tables complete by it.

    What a package derives for itself, to say more, is answered as what it is derived from.
    """
    yield root
    for child in root.__subclasses__():
        if child.__module__ == __name__:
            yield from leaves(child)
