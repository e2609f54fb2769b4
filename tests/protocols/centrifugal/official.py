"""Protobuf as the official Python client writes and reads it; and commands with every field."""

import base64
import json
from typing import Any

from centrifuge.codecs import _ProtobufCodec as Codec
from centrifuge.protocol import client_pb2
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

COMMANDS = [
    {
        "id": 1,
        "connect": {
            "token": "t",
            "data": {"a": 1},
            "subs": {"#42": {"recover": True, "epoch": "e", "offset": 7}},
            "name": "python",
            "version": "0.7.0",
            "headers": {"x": "y"},
            "flag": 3,
        },
    },
    {
        "id": 2,
        "subscribe": {
            "channel": "news",
            "token": "t",
            "recover": True,
            "epoch": "e",
            "offset": 2**63 - 1,
            "data": {"a": 1},
            "positioned": True,
            "recoverable": True,
            "join_leave": True,
            "delta": "fossil",
            "tf": {"op": "and", "nodes": [{"key": "a", "cmp": "in", "vals": ["1", "2"]}]},
            "flag": 3,
        },
    },
    {"id": 3, "unsubscribe": {"channel": "news"}},
    {"id": 4, "publish": {"channel": "news", "data": {"a": 1}}},
    {"id": 5, "presence": {"channel": "news"}},
    {"id": 6, "presence_stats": {"channel": "news"}},
    {
        "id": 7,
        "history": {
            "channel": "news",
            "limit": -1,
            "since": {"offset": 1, "epoch": "e"},
            "reverse": True,
        },
    },
    {"id": 8, "ping": {}},
    {"id": 9, "rpc": {"method": "x", "data": {"a": 1}}},
    {"id": 10, "refresh": {"token": "t"}},
    {"id": 2**32 - 1, "sub_refresh": {"channel": "news", "token": "t"}},
    {"send": {"data": {"a": 1}}},
    {},
]


def official(*commands: object) -> bytes:
    """A frame as the official client writes it; its dictionaries hold bytes in base64."""
    return Codec.encode_commands(json.loads(json.dumps(commands), object_hook=_in_base64))


def _in_base64(fields: dict[str, object]) -> dict[str, object]:
    if "data" in fields:
        data = json.dumps(fields["data"], separators=(",", ":"))
        fields["data"] = base64.b64encode(data.encode()).decode()
    return fields


def read_officially(frame: bytes) -> list[dict[str, Any]]:
    """The messages of a frame as the official client reads them, with values as in JSON."""
    return json.loads(json.dumps(Codec.decode_replies(frame)), object_hook=_plain)


def _plain(fields: dict[str, object]) -> dict[str, object]:
    """Their dictionaries hold bytes in base64, and integers of 64 bits as text."""
    for name, value in fields.items():
        if not isinstance(value, str):
            continue
        if name in ("data", "conn_info", "chan_info"):
            fields[name] = json.loads(base64.b64decode(value))
        elif name in ("offset", "time", "id"):
            fields[name] = int(value)
    return fields


def official_class(name: str) -> type[Message]:
    """The official client's own class of a message."""
    return GetMessageClass(client_pb2.DESCRIPTOR.message_types_by_name[name])
