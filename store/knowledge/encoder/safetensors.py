"""Where the tensors of a safetensors file lie: its header is read, its data never.

Source: the safetensors format: eight bytes of length, that much JSON, then the data.
"""

import struct
from pathlib import Path

import msgspec

MAX_HEADER_BYTES = 1 << 20
_LENGTH = struct.Struct("<Q")


class Tensor(msgspec.Struct, frozen=True):
    """A tensor's type, shape, and first and last byte, counted from the end of the header."""

    dtype: str
    shape: tuple[int, ...]
    data_offsets: tuple[int, int]


class Place(msgspec.Struct, frozen=True):
    """A float32 tensor's shape, and where in the file it lies."""

    shape: tuple[int, ...]
    offset: int
    length: int


def places(path: Path) -> dict[str, Place]:
    """The float32 tensors of the file, by name.

    Raises:
        ValueError: It is no safetensors file.
    """
    with path.open("rb") as file:
        (length,) = _LENGTH.unpack(file.read(_LENGTH.size))
        if length > MAX_HEADER_BYTES:
            raise ValueError(f"{path.name}: a header of {length} bytes is over {MAX_HEADER_BYTES}")
        header = msgspec.json.decode(file.read(length), type=dict[str, msgspec.Raw])

    header.pop("__metadata__", None)
    begin = _LENGTH.size + length
    tensors = {name: msgspec.json.decode(raw, type=Tensor) for name, raw in header.items()}
    return {
        name: Place(
            shape=tensor.shape,
            offset=begin + tensor.data_offsets[0],
            length=tensor.data_offsets[1] - tensor.data_offsets[0],
        )
        for name, tensor in tensors.items()
        if tensor.dtype == "F32"
    }
