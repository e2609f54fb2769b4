"""Commands for Redis as they are sent, and Lua scripts as they are called. No connection here."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha1
from pathlib import Path
from typing import cast

import hiredis

from protocols.errors import InvalidRequest

PART_COMMANDS = 1024
PART_BYTES = 4 * 1024 * 1024  # and one command more
_SCRIPTS = Path(__file__).with_name("scripts")

Command = tuple[str | bytes | int, ...]
ScriptCall = Callable[[Sequence[str], Sequence[str | bytes | int]], Command]

# redis-py's own takes four times as long
_pack = cast("Callable[[Command], bytes]", hiredis.pack_command)


@dataclass(frozen=True, slots=True)
class LoadedScript:
    """A Lua script, and what Redis calls it."""

    source: str
    digest: str

    def call(self, keys: Sequence[str], arguments: Sequence[str | bytes | int]) -> Command:
        """The command that runs it."""
        return ("EVALSHA", self.digest, len(keys), *keys, *arguments)


def read_script(name: str, *, after: str = "") -> LoadedScript:
    """The script of this file, and before it the functions of another one that it uses."""
    files = [f"{one}.lua" for one in (after, name) if one]
    source = "\n".join((_SCRIPTS / file).read_text() for file in files)
    return LoadedScript(source, sha1(source.encode()).hexdigest())  # noqa: S324  Redis's own way


def packed_command(command: Command) -> bytes:
    """As it goes to Redis.

    Raises:
        InvalidRequest: A word of it is no text.
    """
    try:
        return _pack(command)
    except UnicodeEncodeError as error:
        raise InvalidRequest("a name holds what is no text") from error


def parts(packed: Sequence[bytes]) -> Iterator[tuple[int, int]]:
    """From where to where, each small enough to wait together."""
    start = size = 0
    for end, one in enumerate(packed, 1):
        size += len(one)
        if size >= PART_BYTES or end - start == PART_COMMANDS or end == len(packed):
            yield start, end
            start, size = end, 0
