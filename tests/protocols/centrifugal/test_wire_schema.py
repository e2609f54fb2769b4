"""Our messages are those of the schema: the official client's descriptors say what they must be.

Checked field by field: name, number, type, and how many. What the client's schema has and ours has
not is listed here, with the reason.
"""

from typing import Any

import msgspec
import pytest
from centrifuge.protocol import client_pb2
from google.protobuf.descriptor import FieldDescriptor

from protocols.centrifugal.wire.field_numbers import FIELD_NUMBERS
from protocols.centrifugal.wire.schema import CLASSES

# Kinds of subscriptions that are refused; the Python client's schema does not have it yet.
# Source: centrifuge 5.8.0 (npm), SubscribeRequest.type = 15, int32.
NEWER = {("SubscribeRequest", "type", 15, FieldDescriptor.TYPE_INT32)}


def their_name(struct: type[msgspec.Struct]) -> str:
    """Ours are called apart from decisions and native types of the same name."""
    name = struct.__name__
    return name if name == "Push" else name.removesuffix("Field").removesuffix("Push")


def described(message: Any) -> set[tuple[object, ...]]:
    """Every field of a descriptor in full; maps by what they hold."""
    fields = set[tuple[object, ...]]()
    for field in message.fields:
        of = field.message_type
        if of is None:
            fields.add((field.name, field.number, field.type, field.is_repeated))
        elif of.GetOptions().map_entry:
            fields.add((field.name, field.number, "map", frozenset(described(of))))
        else:
            of_name = of.name if of.file.name == "client.proto" else THEIR_NAMES[of.name]
            fields.add((field.name, field.number, of_name, field.is_repeated))
    return fields


THEIR_NAMES = {struct.__name__: their_name(struct) for struct in FIELD_NUMBERS}
THEIRS = client_pb2.DESCRIPTOR.message_types_by_name


@pytest.mark.parametrize("struct", FIELD_NUMBERS, ids=lambda struct: struct.__name__)
def test_a_message_has_the_fields_of_the_schema_and_no_others(struct: type[msgspec.Struct]):
    name = THEIR_NAMES[struct.__name__]
    newer = {(one, number, kind, False) for of, one, number, kind in NEWER if of == name}

    assert described(CLASSES[struct].DESCRIPTOR) == described(THEIRS[name]) | newer


def test_every_message_of_the_schema_is_ours():
    assert set(THEIR_NAMES.values()) == set(THEIRS)


@pytest.mark.parametrize("struct", FIELD_NUMBERS, ids=lambda struct: struct.__name__)
def test_every_field_has_a_number(struct: type[msgspec.Struct]):
    assert set(struct.__struct_fields__) == set(FIELD_NUMBERS[struct])
