"""Structs as Protobuf spells them, and back, by the runtime and the schema.

Source: the reference, which ends a connection over a known field of another kind than the schema's;
the runtime alone would take it for an unknown one.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import msgspec
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from protocols.centrifugal.wire.schema import CLASSES, FIELDS, Field, Shape
from protocols.centrifugal.wire.values import MAX_OFFSET
from protocols.errors import InvalidRequest

S = TypeVar("S", bound=msgspec.Struct)
Translates = Callable[[Any], Any]  # between what a struct and what the runtime's message holds


def read(struct: type[S], data: bytes) -> S:
    """The message that was spelled so.

    Raises:
        InvalidRequest: It is cut, nested too deep, not in UTF-8 where it must be, holds a known
            field of another kind, or an offset that no log can have.
    """
    message = CLASSES[struct]()
    try:
        message.ParseFromString(data)
    except DecodeError:
        raise InvalidRequest(f"the bytes are no {struct.__name__}") from None
    return _struct(struct, message)


def write(struct: msgspec.Struct) -> bytes:
    """The message as bytes."""
    return _message(struct).SerializeToString()


def _struct(struct: type[S], message: Message) -> S:
    readers = _READERS[struct]
    if any(one.field_number in _NUMBERS[struct] for one in UnknownFieldSet(message)):
        raise InvalidRequest(f"a field of {struct.__name__} is of another kind than the schema's")
    return struct(
        **{field.name: readers[field.name](value) for field, value in message.ListFields()}
    )


def _message(struct: msgspec.Struct) -> Message:
    fields: dict[str, Any] = {}
    for name, writer in _WRITERS[type(struct)]:
        if value := getattr(struct, name):  # zero and empty fields are left out
            fields[name] = writer(value)
    return CLASSES[type(struct)](**fields)


def _offset(number: int) -> int:
    if number > MAX_OFFSET:
        raise InvalidRequest(f"an offset is at most {MAX_OFFSET}, not {number}")
    return number


def _reader(field: Field) -> Translates:
    if (struct := field.struct) is not None:
        return _shaped(field.shape, lambda message: _struct(struct, message))
    if field.is_payload:
        return msgspec.Raw
    if field.is_offset:
        return _offset
    return _shaped(field.shape, _same)


def _writer(field: Field) -> Translates:
    if field.struct is not None:
        return _shaped(field.shape, _message)
    return bytes if field.is_payload else _same


def _shaped(shape: Shape, translates: Translates) -> Translates:
    match shape:
        case Shape.ONE:
            return translates
        case Shape.LIST:
            return lambda values: [translates(value) for value in values]
        case Shape.TUPLE:
            return lambda values: tuple(translates(value) for value in values)
        case Shape.MAP:
            return lambda values: {key: translates(values[key]) for key in values}


def _same(value: Any) -> Any:  # plain values are the same in both
    return value


_NUMBERS = {struct: {field.number for field in fields} for struct, fields in FIELDS.items()}
_READERS = {
    struct: {field.name: _reader(field) for field in fields} for struct, fields in FIELDS.items()
}
_WRITERS = {
    struct: [(field.name, _writer(field)) for field in fields] for struct, fields in FIELDS.items()
}
