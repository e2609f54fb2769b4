"""What a request to an agent must be: messages of text, the last one a person's, within limits.

Pure: text in, messages out, or the error that names the field.
"""

import hashlib
import uuid
from typing import cast

import msgspec

from protocols.errors import InvalidRequest, LimitExceeded
from protocols.events import TITLE_CHARACTERS
from protocols.messages import Message, TextPart, user_message
from protocols.operations.tasks import SubmitTask
from protocols.principals import Principal

MAX_INPUT_BYTES = 1024 * 1024
MAX_MESSAGES = 1000
MAX_KEY_CHARACTERS = 255

MESSAGE = frozenset(Message.__struct_fields__)
PART = frozenset({"type", *TextPart.__struct_fields__})
_KEYS = uuid.UUID("0c4f4b0e-5f4e-5d5a-9f0b-0d3f8f5f6a11")


def messages(request: SubmitTask) -> tuple[Message, ...]:
    """The request's input as messages.

    Raises:
        InvalidRequest: It is empty or malformed; the field is named.
        LimitExceeded: It is over 1 MiB, or over 1,000 messages.
    """
    said = (
        (user_message(request.input),)
        if isinstance(request.input, str)
        else _converted(request.input)
    )
    if len(said) > MAX_MESSAGES:
        raise LimitExceeded(
            f"the input has {len(said)} messages; the limit is {MAX_MESSAGES}", field="input"
        )
    for number, message in enumerate(said):
        _check(message, field="input" if isinstance(request.input, str) else f"input.{number}")
    _check_whole(said)
    return said


def title(said: tuple[Message, ...]) -> str:
    """The first line with words of the last message, cut."""
    lines = (" ".join(line.split()) for line in said[-1].text.splitlines())
    first = next((line for line in lines if line), "")
    if len(first) <= TITLE_CHARACTERS:
        return first
    return f"{first[: TITLE_CHARACTERS - 1].rstrip()}…"


def append_key(principal: Principal, operation: str, key: str | None) -> uuid.UUID | None:
    """The key of an append for an `Idempotency-Key`: another actor's same key is another one.

    Raises:
        InvalidRequest: It is empty or longer than 255 characters.
    """
    if key is None:
        return None
    if not 0 < len(key) <= MAX_KEY_CHARACTERS:
        raise InvalidRequest(
            f"the idempotency key has {len(key)} characters; 1 to {MAX_KEY_CHARACTERS} are allowed",
            field="key",
        )
    name = "\n".join((principal.actor, operation, key))
    return uuid.uuid5(_KEYS, name.encode(errors="surrogatepass").hex())


def request_hash(agent: str, said: tuple[Message, ...], context: str | None) -> bytes:
    """Tells two requests under one key apart; without a conversation as it always was."""
    request = (agent, said) if context is None else (agent, said, context)
    return hashlib.sha256(msgspec.json.encode(request)).digest()


def _converted(given: tuple[dict[str, object], ...]) -> tuple[Message, ...]:
    try:
        said = msgspec.convert(given, tuple[Message, ...])
    except msgspec.ValidationError as error:
        sentence, _, place = str(error).partition(" - at `$")
        field = "input" + place.rstrip("`").replace("[", ".").replace("]", "")
        if "required field `parts`" in sentence:
            sentence = "a message is {role, parts: [{type: text, text}]}; this one has no parts"
        raise InvalidRequest(f"{field}: {sentence}", field=field) from None
    for number, message in enumerate(given):
        _refuse_unknown(message, known=MESSAGE, field=f"input.{number}")
        parts = cast("list[dict[str, object]]", message["parts"])  # or it had not been converted
        for place, part in enumerate(parts):
            _refuse_unknown(part, known=PART, field=f"input.{number}.parts.{place}")
    return said


def _refuse_unknown(given: dict[str, object], *, known: frozenset[str], field: str) -> None:
    """What is stored may be of a later version and have more; what is asked has what is known."""
    for name in given:
        if name not in known:
            place = f"{field}.{name[:80]}"
            raise InvalidRequest(f"{place}: there is no such field", field=place)


def _check(message: Message, *, field: str) -> None:
    if not message.parts:
        raise InvalidRequest(f"{field} has no parts", field=field)
    text = message.text
    if "\0" in text:
        raise InvalidRequest(f"{field} holds a NUL character", field=field)
    if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
        raise InvalidRequest(f"{field} is not Unicode: it holds half of a pair", field=field)


def _check_whole(said: tuple[Message, ...]) -> None:
    if not said or not said[-1].text.strip():
        raise InvalidRequest("the input is empty", field="input")
    if said[-1].role != "user":
        raise InvalidRequest(
            f"the last message's role is {said[-1].role}; it must be user", field="input"
        )
    size = sum(len(part.text.encode()) for message in said for part in message.parts)
    if size > MAX_INPUT_BYTES:
        raise LimitExceeded(
            f"the input has {size} bytes; the limit is {MAX_INPUT_BYTES} bytes (1 MiB)",
            field="input",
        )
