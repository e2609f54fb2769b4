"""As much of ONNX's wire format as one graph needs, so that it takes no package to write it.

Protobuf: each field is a key (number and wire type) and a value. Names and numbers are those of
onnx.proto, in the order of its messages. What the graph says is in graph.py.
"""

import struct
from collections.abc import Iterable, Sequence

FLOAT, INT64 = 1, 7  # TensorProto.DataType
IR_VERSION = 10
_EXTERNAL = 1  # TensorProto.DataLocation
_ATTRIBUTE_FLOAT, _ATTRIBUTE_INT = 1, 2  # AttributeProto.AttributeType
_VARINT, _BYTES, _FIXED32 = 0, 2, 5  # wire types
_SEVEN_BITS = 0x7F


def model(graph: bytes, *, opset: int) -> bytes:
    """ModelProto."""
    return (
        _integer(1, IR_VERSION) + _field(7, graph) + _field(8, _field(1, b"") + _integer(2, opset))
    )


def graph(
    name: str,
    *,
    nodes: Iterable[bytes],
    initializers: Iterable[bytes],
    inputs: Iterable[bytes],
    outputs: Iterable[bytes],
) -> bytes:
    """GraphProto."""
    return b"".join(
        [
            *(_field(1, node) for node in nodes),
            _field(2, name.encode()),
            *(_field(5, tensor) for tensor in initializers),
            *(_field(11, value) for value in inputs),
            *(_field(12, value) for value in outputs),
        ]
    )


def node(operator: str, inputs: Sequence[str], output: str, **attributes: float | int) -> bytes:
    """NodeProto with one output."""
    return b"".join(
        [
            *(_field(1, name.encode()) for name in inputs),
            _field(2, output.encode()),
            _field(4, operator.encode()),
            *(_field(5, _attribute(name, value)) for name, value in attributes.items()),
        ]
    )


def stored(name: str, shape: Sequence[int], *, file: str, offset: int, length: int) -> bytes:
    """TensorProto of float32 whose data lies in another file."""
    where = {"location": file, "offset": str(offset), "length": str(length)}
    return b"".join(
        [
            *(_integer(1, size) for size in shape),
            _integer(2, FLOAT),
            _field(8, name.encode()),
            *(_field(13, _entry(key, value)) for key, value in where.items()),
            _integer(14, _EXTERNAL),
        ]
    )


def integers(name: str, values: Sequence[int]) -> bytes:
    """TensorProto: a vector of int64."""
    data = struct.pack(f"<{len(values)}q", *values)
    return (
        _integer(1, len(values)) + _integer(2, INT64) + _field(8, name.encode()) + _field(9, data)
    )


def value(name: str, kind: int, shape: Sequence[int | str]) -> bytes:
    """ValueInfoProto of a tensor; a size is a number, or a name when it varies."""
    sizes = b"".join(
        _field(1, _field(2, size.encode()) if isinstance(size, str) else _integer(1, size))
        for size in shape
    )
    tensor = _integer(1, kind) + _field(2, sizes)
    return _field(1, name.encode()) + _field(2, _field(1, tensor))


def _entry(key: str, text: str) -> bytes:
    return _field(1, key.encode()) + _field(2, text.encode())


def _attribute(name: str, number: float) -> bytes:
    if isinstance(number, int):
        content = _integer(3, number) + _integer(20, _ATTRIBUTE_INT)
    else:
        key = _varint(2 << 3 | _FIXED32)
        content = key + struct.pack("<f", number) + _integer(20, _ATTRIBUTE_FLOAT)
    return _field(1, name.encode()) + content


def _integer(number: int, content: int) -> bytes:
    return _varint(number << 3 | _VARINT) + _varint(content)


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | _BYTES) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    number &= (1 << 64) - 1  # a negative one is written as its two's complement
    written = bytearray()
    while number > _SEVEN_BITS:
        written.append(number & _SEVEN_BITS | (_SEVEN_BITS + 1))
        number >>= 7
    written.append(number)
    return bytes(written)
