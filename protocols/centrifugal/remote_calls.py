"""Carries out `rpc`: operations of the factory, called over a connection by their name.

An error has the protocol's number where there is one, and else the number REST has for it; its
words are the factory's own.
"""

from protocols import errors
from protocols.centrifugal import answers, codes
from protocols.centrifugal.answering import in_time
from protocols.centrifugal.caller import Caller
from protocols.centrifugal.codes import ErrorCode
from protocols.centrifugal.decisions import Call
from protocols.centrifugal.teller import Teller
from protocols.errors import FactoryError, LimitExceeded
from protocols.operations.procedures import Procedures, UnknownMethod

MAX_ANSWER_BYTES = 512 * 1024  # half of what may wait for a client
NO_SUCH_THING = ErrorCode(404, "not found")
CONFLICT = ErrorCode(409, "conflict")

_OF_CALL: dict[type[FactoryError], ErrorCode] = {
    UnknownMethod: codes.METHOD_NOT_FOUND,
    errors.NotFound: NO_SUCH_THING,
    errors.Conflict: CONFLICT,
}


class RemoteCalls:
    """Calls for one connection, one after another.

    Args:
        caller: Who is at its other end.
        procedures: What may be called; None: nothing.
        teller: Tells its client.
    """

    def __init__(self, caller: Caller, procedures: Procedures | None, teller: Teller) -> None:
        self._caller = caller
        self._procedures = procedures
        self._teller = teller

    async def call(self, command: Call) -> None:
        """Call it and answer."""
        if self._procedures is None:
            self._teller.tell(answers.error(command.id, codes.NOT_AVAILABLE))
            return
        await self._teller.outbox.room()
        try:
            async with in_time():
                answer = await self._procedures.call(
                    self._caller.principal, command.method, command.data
                )
            _refuse_large(answer)
        except FactoryError as error:
            code = _code_of(error)
            self._teller.tell(answers.error(command.id, code, error.message))
        else:
            self._teller.tell(answers.called(command.id, answer))


def _refuse_large(answer: bytes) -> None:
    if len(answer) > MAX_ANSWER_BYTES:
        raise LimitExceeded(
            f"the answer has {len(answer)} bytes, over the limit of {MAX_ANSWER_BYTES}; ask REST"
        )


def _code_of(error: FactoryError) -> ErrorCode:
    return next(
        (_OF_CALL[kind] for kind in type(error).__mro__ if kind in _OF_CALL), codes.code_of(error)
    )
