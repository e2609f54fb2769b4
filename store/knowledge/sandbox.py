"""Reads a document in a process of its own, which may be slow, greedy or crash without harm.

The child sets its own limits before it sees a byte of the document, gets it on standard input and
answers JSON on standard output. It inherits no environment.
Its parsers are never imported here.
"""

import sys
from pathlib import Path
from subprocess import DEVNULL, PIPE

import anyio
import msgspec

from protocols.errors import InvalidRequest, Unavailable
from store.knowledge.loader import Answer, Loaded

PROGRAM = Path(__file__).with_name("sandbox_child.py")
SECONDS = 60.0
MEMORY_BYTES = 512 * 1024 * 1024


async def read_apart(content: bytes, *, name: str, media_type: str) -> Loaded:
    """The document as text.

    Raises:
        InvalidRequest: It cannot be read, or not within 60 s and 512 MiB.
        Unavailable: No process could be started.
    """
    limits = [str(MEMORY_BYTES), str(int(SECONDS))]
    command = [sys.executable, "-I", str(PROGRAM), *limits, media_type, name]
    try:
        with anyio.fail_after(SECONDS):
            done = await anyio.run_process(
                command, input=content, stdout=PIPE, stderr=DEVNULL, check=False, env={}
            )
    except TimeoutError:
        raise InvalidRequest(f"{name} takes longer than {SECONDS:.0f} s to read") from None
    except OSError as error:
        raise Unavailable(f"no process could be started to read {name}") from error
    return _answer(done.stdout, name=name)


def _answer(stdout: bytes, *, name: str) -> Loaded:
    try:
        answer = msgspec.json.decode(stdout, type=Answer)
    except msgspec.DecodeError:  # it was ended by a limit, or by a fault of the parser
        megabytes = MEMORY_BYTES // (1024 * 1024)
        raise InvalidRequest(
            f"{name} cannot be read within {megabytes} MiB and {SECONDS:.0f} s", field="content"
        ) from None
    if answer.loaded is None:
        raise InvalidRequest(answer.refused, field="content")
    return answer.loaded
