"""Gemini's streamGenerateContent as its server writes it: chunks of candidates, usage, errors."""

import base64
import json
from collections.abc import Sequence

from tests.agents.unit.http_server import Reply, event

MODEL = "gemini-2.5-flash"
BAD_KEY = {
    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
    "reason": "API_KEY_INVALID",
    "domain": "googleapis.com",
}
SIGNATURE = base64.b64encode(b"what it thought before the call").decode()


def text_part(text: str) -> dict[str, object]:
    return {"text": text}


def thought_part(text: str) -> dict[str, object]:
    return {"text": text, "thought": True}


def call_part(
    name: str, arguments: object, *, call: str | None = None, signature: str | None = None
) -> dict[str, object]:
    """A function call; ids and signatures came with later models."""
    wanted: dict[str, object] = {"name": name, "args": arguments}
    if call:
        wanted["id"] = call
    part: dict[str, object] = {"functionCall": wanted}
    if signature:
        part["thoughtSignature"] = signature
    return part


def answer(*parts: dict[str, object], finish: str | None = "STOP", **usage: int) -> list[bytes]:
    """All chunks of an answer, a part each; counts grow as the server's do."""
    counts = {"promptTokenCount": 100, "candidatesTokenCount": 20, "totalTokenCount": 120, **usage}
    early = {"promptTokenCount": counts["promptTokenCount"], "totalTokenCount": 101}
    last = len(parts) - 1
    return [
        chunk(
            [part],
            finish=finish if number == last else None,
            usage=counts if number == last else early,
        )
        for number, part in enumerate(parts)
    ]


def chunk(parts: Sequence[object], *, finish: str | None, usage: dict[str, int]) -> bytes:
    candidate: dict[str, object] = {"content": {"parts": list(parts), "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return event({"candidates": [candidate], "usageMetadata": usage, **_ENDS})


def blocked() -> list[bytes]:
    """The prompt was refused: no candidate at all."""
    usage = {"promptTokenCount": 8, "totalTokenCount": 8}
    feedback = {"blockReason": "SAFETY"}
    return [event({"promptFeedback": feedback, "usageMetadata": usage, **_ENDS})]


def refusal(code: int, status: str, *, message: str = "", details: Sequence[object] = ()) -> Reply:
    """An error instead of an answer."""
    error = {"code": code, "message": message or "secret detail of the provider", "status": status}
    body = {"error": {**error, "details": list(details)}}
    return Reply([json.dumps(body).encode()], status=code)


def error_event(code: int, status: str) -> bytes:
    """An error inside an answer that has begun."""
    return event({"error": {"code": code, "message": "secret detail", "status": status}})


_ENDS = {"modelVersion": MODEL, "responseId": "resp_01"}
