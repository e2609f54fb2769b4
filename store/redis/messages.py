r"""What hubs tell one another, as it travels: `<form> <kind> <sender> <number>\n<body>`.

The number is the sender's own; an answer bears that of what it answers. Bodies are anybody's.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from protocols.errors import InvalidRequest

MAX_DIGITS = 18

_NAME = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)


class Form(StrEnum):
    """What is wanted of whoever hears it."""

    TELL = "tell"  # nothing
    ASK = "ask"  # one answer, or one refusal
    ANSWER = "answer"
    REFUSAL = "refusal"


@dataclass(frozen=True, slots=True)
class Message:
    """One of them."""

    form: Form
    kind: str
    sender: str
    number: int
    body: bytes


def check_name(name: str) -> None:
    """See that a node or a kind of message can be called so.

    Raises:
        InvalidRequest: It cannot.
    """
    if not _NAME.fullmatch(name):
        raise InvalidRequest(f"no hub, and no kind of message, can be called {name[:80]!r}")


def make_message(message: Message) -> bytes:
    """The message as it travels."""
    head = f"{message.form} {message.kind} {message.sender} {message.number}\n"
    return head.encode() + message.body


def parse_message(frame: bytes) -> Message:
    """The message of a frame.

    Raises:
        InvalidRequest: It is none.
    """
    head, line_break, body = frame.partition(b"\n")
    try:
        form, kind, sender, number = head.decode("ascii").split(" ")
        if line_break and _NAME.fullmatch(kind) and _NAME.fullmatch(sender):
            return Message(Form(form), kind, sender, _number(number), body)
    except ValueError:
        pass
    raise InvalidRequest(f"a message between hubs does not begin with {head[:40]!r}")


def _number(word: str) -> int:
    if not word.isdigit() or len(word) > MAX_DIGITS:
        raise ValueError(word)
    return int(word)
