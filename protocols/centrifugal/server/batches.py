"""Many methods in one request, one after another or at the same time; each is answered."""

import anyio
import msgspec

from protocols.centrifugal import codes
from protocols.centrifugal.server.methods import METHODS, Methods, call
from protocols.centrifugal.server.requests import BatchRequest
from protocols.centrifugal.server.results import ApiError, BatchResult
from protocols.errors import LimitExceeded

MAX_COMMANDS = 1000
AT_ONCE = 16
BATCH_SECONDS = 30.0

_NOT_TRIED = ApiError(codes.INTERNAL.code, f"not tried within {BATCH_SECONDS:g} seconds")


async def batch(methods: Methods, request: BatchRequest) -> BatchResult:
    """What each command came to, in their order.

    Raises:
        LimitExceeded: There are too many.
    """
    commands = request.commands
    if len(commands) > MAX_COMMANDS:
        raise LimitExceeded(f"a batch has at most {MAX_COMMANDS} commands, not {len(commands)}")
    replies: list[dict[str, msgspec.Struct]] = [{"error": _NOT_TRIED} for _ in commands]
    places = anyio.Semaphore(AT_ONCE if request.parallel else 1)

    async def carry_out(number: int) -> None:
        try:
            replies[number] = await _reply(methods, commands[number])
        finally:
            places.release()

    with anyio.move_on_after(BATCH_SECONDS):
        async with anyio.create_task_group() as group:
            for number in range(len(commands)):
                await places.acquire()
                group.start_soon(carry_out, number)
    return BatchResult(replies)


async def _reply(methods: Methods, command: dict[str, msgspec.Raw]) -> dict[str, msgspec.Struct]:
    names = [name for name in command if name in METHODS]
    if len(names) != 1:
        known = "a command is an object with the name of one method as its key"
        return {"error": ApiError(codes.METHOD_NOT_FOUND.code, known)}
    answer = await call(methods, names[0], command[names[0]])
    return {"error" if isinstance(answer, ApiError) else names[0]: answer}
