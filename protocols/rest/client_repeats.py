"""When an exchange with the hub is begun again, after how long, and what is said at its end.

There are three reasons: the hub asks for it, a proxy says that the hub is away, or the connection
could not be made or was cut. What cannot have reached the hub may always be sent again; what may
have reached it, only when it changes nothing, or carries an idempotency key. Nothing is sent here.
"""

import random
import socket
import ssl
import time
from collections.abc import Callable, Iterator

import httpx

from protocols.errors import Unavailable

PATIENCE_SECONDS = 15.0  # from the first try; a factory that starts again needs half of it
FIRST_WAIT_SECONDS = 0.1
LONGEST_WAIT_SECONDS = 2.0
LONGEST_ASKED_SECONDS = 5.0  # a hub that asks for more is not waited for
BUSY_REPEATS = 3  # of what a limit refuses: it is no outage, and ends when the caller slows down

BUSY = 429
ASKS_AGAIN = frozenset({BUSY, 503})
AWAY = frozenset({502, 503, 504})  # said by a proxy while the hub is away
SAFE = frozenset({"GET", "HEAD"})
IDEMPOTENCY_KEY = "Idempotency-Key"

_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_PASSING = (*_UNSENT, httpx.NetworkError, httpx.TimeoutException, httpx.RemoteProtocolError)


class Tries:
    """How often one request was tried, and whether it is tried again.

    Args:
        request: What is sent.
        patience: Seconds from now on within which a new try may begin.
        is_harmless: It changes nothing, whatever its method.
        clock: Seconds that never go back.
    """

    def __init__(
        self,
        request: httpx.Request,
        *,
        patience: float,
        is_harmless: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._may_be_doubled = (
            is_harmless or request.method in SAFE or IDEMPOTENCY_KEY in request.headers
        )
        self._patience = patience
        self._clock = clock
        self._began = clock()
        self._wait = FIRST_WAIT_SECONDS
        self._asked = 0
        self._tries = 1

    def after_answer(self, response: httpx.Response) -> float | None:
        """Seconds until the next try; None when this is the answer."""
        status = response.status_code
        if status not in ASKS_AGAIN | AWAY or not self._may_be_doubled:
            return None
        asked = response.headers.get("Retry-After")
        if asked is None:
            return self._within(self._backed_off()) if status in AWAY else None
        if not asked.isdecimal() or int(asked) > LONGEST_ASKED_SECONDS:
            return None
        self._asked += 1
        if status == BUSY and self._asked > BUSY_REPEATS:
            return None
        return self._within(int(asked) * random.uniform(0.8, 1.2))  # noqa: S311  spreads the repeats, guards nothing

    def after_failure(self, error: httpx.TransportError) -> float | None:
        """Seconds until the next try; None when there is none: say `given_up`."""
        may = self._may_be_doubled or isinstance(error, _UNSENT)
        if not may or not isinstance(error, _PASSING) or _is_lasting(error):
            return None
        return self._within(self._backed_off())

    def given_up(self, error: httpx.TransportError, where: str) -> Unavailable:
        """That nobody answered, why, and what was tried."""
        said = f"the hub at {where} does not answer: {reason(error)}"
        if self._tries > 1:
            said += f"; tried {self._tries} times in {self._clock() - self._began:.0f} s"
        if not self._may_be_doubled and not isinstance(error, _UNSENT):
            said += "; what was asked may have been done all the same"
        return Unavailable(said)

    def _backed_off(self) -> float:
        seconds = self._wait * random.uniform(0.5, 1.0)  # noqa: S311  as above
        self._wait = min(self._wait * 2, LONGEST_WAIT_SECONDS)
        return seconds

    def _within(self, seconds: float) -> float | None:
        if self._clock() - self._began + seconds > self._patience:
            return None
        self._tries += 1
        return seconds


def reason(error: httpx.TransportError) -> str:
    """Why there was no answer, in words."""
    for cause in _causes(error):
        match cause:
            case socket.gaierror():
                return "there is no host of that name"
            case ConnectionRefusedError():
                return "nothing listens there"
            case ssl.SSLCertVerificationError():
                return f"its certificate is not accepted ({cause.verify_message})"
            case ssl.SSLError():
                return "it does not speak TLS as it should"
            case _:
                pass
    return _kind(error)


def _kind(error: httpx.TransportError) -> str:
    match error:
        case httpx.ConnectTimeout():
            return "no connection came about in time"
        case httpx.TimeoutException():
            return "it was silent for too long"
        case httpx.ReadError() | httpx.WriteError() | httpx.RemoteProtocolError():
            return "the connection was cut"
        case _:
            return str(error) or type(error).__name__


def _is_lasting(error: httpx.TransportError) -> bool:
    """Whether it will be the same in a moment."""
    return any(
        isinstance(cause, ssl.SSLError)
        or (isinstance(cause, socket.gaierror) and cause.errno == socket.EAI_NONAME)
        for cause in _causes(error)
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """What an error came from; of several at once, the first."""
    while error is not None:
        yield error
        error = _first_of(error) or error.__cause__ or error.__context__


def _first_of(error: BaseException) -> BaseException | None:
    match error:
        case BaseExceptionGroup(exceptions=[BaseException() as first, *_]):
            return first
        case _:
            return None
