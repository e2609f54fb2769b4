"""Refusing before any route has a say: a problem for requests, a closed handshake for sockets."""

from starlette.types import Receive, Scope, Send

from protocols.errors import FactoryError
from protocols.rest.problems import REFUSAL, response_to

POLICY = 1008  # RFC 6455, section 7.4.1; servers answer 403 to a handshake closed with it


async def refuse(error: FactoryError, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer with the error."""
    scope[REFUSAL] = error.message
    if scope["type"] == "websocket":
        await receive()  # the handshake
        await send({"type": "websocket.close", "code": POLICY})
        return
    await response_to(error, scope)(scope, receive, send)
