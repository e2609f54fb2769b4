"""Anthropic's Messages API as its server writes it: named server-sent events, errors, usage."""

import json
from collections.abc import Sequence

from tests.agents.unit.http_server import Reply, event

MODEL = "claude-sonnet-4-6"
SIGNATURE = "EqoBCkgIARABGAIiQL8h0cVfJ5mB"


def text_block(pieces: Sequence[str]) -> list[dict[str, object]]:
    """Start, deltas and stop of a text; the index is set by `answer`."""
    deltas = [{"type": "text_delta", "text": piece} for piece in pieces]
    return _block({"type": "text", "text": ""}, deltas)


def thinking_block(pieces: Sequence[str], *, signature: str = SIGNATURE) -> list[dict[str, object]]:
    deltas: list[dict[str, object]] = [
        {"type": "thinking_delta", "thinking": piece} for piece in pieces
    ]
    deltas.append({"type": "signature_delta", "signature": signature})
    return _block({"type": "thinking", "thinking": "", "signature": ""}, deltas)


def tool_block(name: str, arguments: object, *, call: str = "toolu_01") -> list[dict[str, object]]:
    written = json.dumps(arguments) if arguments else ""
    half = len(written) // 2
    parts = ["", written[:half], written[half:]]
    deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
    return _block({"type": "tool_use", "id": call, "name": name, "input": {}}, deltas)


def answer(*blocks: list[dict[str, object]], stop: str = "end_turn", **usage: int) -> list[bytes]:
    """All events of an answer.

    Args:
        blocks: Of content, in order.
        stop: The reason.
        usage: As `message_start` says it; `output_tokens` is said at the end.
    """
    output = usage.pop("output_tokens", 20)
    start_usage = {
        "input_tokens": 100,
        "cache_creation_input_tokens": 0,
        "cache_read_input_tokens": 0,
        **usage,
    }
    pieces = [start(start_usage)]
    for index, block in enumerate(blocks):
        pieces += [_named({**one, "index": index}) for one in block]
        if index == 0:
            pieces.append(_named({"type": "ping"}))
    ending = {"stop_reason": stop, "stop_sequence": None}
    pieces.append(
        _named(
            {
                "type": "message_delta",
                "delta": ending,
                "usage": {**start_usage, "output_tokens": output},
            }
        )
    )
    pieces.append(_named({"type": "message_stop"}))
    return pieces


def start(usage: dict[str, int]) -> bytes:
    message = {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": MODEL,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**usage, "output_tokens": 1, "service_tier": "standard"},
    }
    return _named({"type": "message_start", "message": message})


def error_event(kind: str) -> bytes:
    """An error inside an answer that has begun."""
    return _named(_error(kind))


def refusal(status: int, kind: str, *, message: str = "", **headers: str) -> Reply:
    """An error instead of an answer."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply([json.dumps(_error(kind, message)).encode()], status=status, headers=told)


def _error(kind: str, message: str = "") -> dict[str, object]:
    error = {"type": kind, "message": message or "secret detail of the provider"}
    return {"type": "error", "error": error, "request_id": "req_01"}


def _block(first: dict[str, object], deltas: Sequence[object]) -> list[dict[str, object]]:
    return [
        {"type": "content_block_start", "content_block": first},
        *({"type": "content_block_delta", "delta": delta} for delta in deltas),
        {"type": "content_block_stop"},
    ]


def _named(data: dict[str, object]) -> bytes:
    return event(data, name=str(data["type"]))
