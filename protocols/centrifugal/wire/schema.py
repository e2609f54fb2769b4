"""What the Protobuf runtime is told of our messages: their fields, read off the structs.

A field's number is from the table, all else from its annotation. The classes are made when this is
imported, in a pool of their own: the schema's own classes may live in the same process.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

import msgspec
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
)
from google.protobuf.descriptor_pool import DescriptorPool
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from msgspec import inspect

from protocols.centrifugal.wire.field_numbers import FIELD_NUMBERS

_FILE = "protocols/centrifugal.proto"
_PACKAGE = "protocols.centrifugal"
_INTEGERS = {
    "uint32": FieldDescriptorProto.TYPE_UINT32,
    "int32": FieldDescriptorProto.TYPE_INT32,
    "int64": FieldDescriptorProto.TYPE_INT64,
    "uint64": FieldDescriptorProto.TYPE_UINT64,
}
_PLAIN: dict[type[inspect.Type], FieldDescriptorProto.Type.ValueType] = {
    inspect.StrType: FieldDescriptorProto.TYPE_STRING,
    inspect.BoolType: FieldDescriptorProto.TYPE_BOOL,
    inspect.RawType: FieldDescriptorProto.TYPE_BYTES,
}


class Shape(Enum):
    """How many values a field holds."""

    ONE = auto()
    LIST = auto()
    TUPLE = auto()
    MAP = auto()  # by strings


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a message.

    Attributes:
        kind: A value of `FieldDescriptorProto.Type`; of several, that of each.
        struct: The message it holds; None where values are plain.
    """

    name: str
    number: int
    shape: Shape
    kind: FieldDescriptorProto.Type.ValueType
    struct: type[msgspec.Struct] | None

    @property
    def is_offset(self) -> bool:
        """Whether its values may not fit into what offsets are here."""
        return self.kind == FieldDescriptorProto.TYPE_UINT64

    @property
    def is_payload(self) -> bool:
        """Whether it is carried and not read."""
        return self.kind == FieldDescriptorProto.TYPE_BYTES


def _fields(struct: type[msgspec.Struct]) -> Sequence[Field]:
    numbers = FIELD_NUMBERS[struct]
    return [
        _field(field.name, numbers[field.name], inspect.type_info(field.type))
        for field in msgspec.structs.fields(struct)
    ]


def _field(name: str, number: int, info: inspect.Type) -> Field:
    match info:
        case inspect.ListType():
            shape, info = Shape.LIST, info.item_type
        case inspect.VarTupleType():
            shape, info = Shape.TUPLE, info.item_type
        case inspect.DictType():
            shape, info = Shape.MAP, info.value_type
        case inspect.UnionType():
            shape, info = Shape.ONE, info.types[0]  # the other one is None
        case _:
            shape = Shape.ONE
    struct = info.cls if isinstance(info, inspect.StructType) else None
    return Field(name, number, shape, _kind(info), struct)


def _kind(info: inspect.Type) -> FieldDescriptorProto.Type.ValueType:
    if isinstance(info, inspect.StructType):
        return FieldDescriptorProto.TYPE_MESSAGE
    if isinstance(info, inspect.Metadata):
        return _INTEGERS[(info.extra or {})["protobuf"]]  # pyright: ignore[reportUnknownMemberType]  a bare dict there
    return _PLAIN[type(info)]


def _describe(struct: type[msgspec.Struct], fields: Sequence[Field]) -> DescriptorProto:
    described = DescriptorProto(name=struct.__name__)
    for field in fields:
        if field.shape is Shape.MAP:
            _describe_map(described, field)
        else:
            _add(described, field, is_repeated=field.shape is not Shape.ONE)
    return described


def _add(described: DescriptorProto, field: Field, *, is_repeated: bool = False) -> None:
    label = FieldDescriptorProto.LABEL_REPEATED if is_repeated else _ONE
    name = f".{_PACKAGE}.{field.struct.__name__}" if field.struct else None
    described.field.add(
        name=field.name, number=field.number, label=label, type=field.kind, type_name=name
    )


def _describe_map(described: DescriptorProto, field: Field) -> None:
    """A map is a list of entries, in which the key is 1 and the value 2."""
    entry = described.nested_type.add(name=f"{field.name.title().replace('_', '')}Entry")
    entry.options.map_entry = True
    _add(entry, Field("key", 1, Shape.ONE, FieldDescriptorProto.TYPE_STRING, None))
    _add(entry, Field("value", 2, Shape.ONE, field.kind, field.struct))
    described.field.add(
        name=field.name,
        number=field.number,
        label=FieldDescriptorProto.LABEL_REPEATED,
        type=FieldDescriptorProto.TYPE_MESSAGE,
        type_name=f".{_PACKAGE}.{described.name}.{entry.name}",
    )


def _classes() -> dict[type[msgspec.Struct], type[Message]]:
    file = FileDescriptorProto(name=_FILE, package=_PACKAGE, syntax="proto3")
    file.message_type.extend(_describe(struct, fields) for struct, fields in FIELDS.items())
    pool = DescriptorPool()
    pool.Add(file)
    return {
        struct: GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{struct.__name__}"))
        for struct in FIELDS
    }


_ONE = FieldDescriptorProto.LABEL_OPTIONAL
FIELDS = {struct: _fields(struct) for struct in FIELD_NUMBERS}
CLASSES = _classes()
