"""Sessions for tests: new, connected, subscribed; and what they decide, as plain values."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from protocols.centrifugal.decisions import (
    Authenticate,
    Decision,
    Send,
    Subscribe,
)
from protocols.centrifugal.keyring import NO_KEYS
from protocols.centrifugal.rights import Rights
from protocols.centrifugal.session import Session
from protocols.centrifugal.visitor import member
from protocols.centrifugal.wire.json_form import JSON
from protocols.centrifugal.wire.replies import Reply
from protocols.channels import Channel, Namespace, Publication
from protocols.namespaces import NO_NAMESPACES, Namespaces
from protocols.principals import FIRST_TEAM, Actor, Principal, Role

TASK = "task:0199d7a2-4c5e-7b1a-9f3e-5d2c1b0a9e8f"
CHANNEL = Channel(Namespace.TASK, TASK.removeprefix("task:"))
CONNECT = '{"id":1,"connect":{"token":"t"}}'


MEMBER = Rights(
    member(Principal(actor=Actor("key:m"), team=FIRST_TEAM, role=Role.OWNER, name="m")), NO_KEYS
)


class Given:
    """A subscription as the hub would give it."""

    epoch = "e"
    offset = 4
    recovered = True
    publications: Sequence[Publication] = (Publication(5, b'{"a":1}'),)

    def start(self) -> None: ...

    def close(self) -> None: ...


def new_session(namespaces: Namespaces = NO_NAMESPACES) -> Session:
    return Session("c1", version="pygent", now=100.0, first_ping=0.0, namespaces=namespaces)


def receive(session: Session, frame: str) -> Iterator[Decision]:
    """What a session decides about a frame of JSON."""
    return session.receive(JSON.commands(frame.encode(errors="surrogatepass")))


def connected(
    *,
    expires_in: float | None = None,
    connect: str = CONNECT,
    namespaces: Namespaces = NO_NAMESPACES,
) -> Session:
    session = new_session(namespaces)
    (command,) = receive(session, connect)
    assert isinstance(command, Authenticate)
    session.accept(command, MEMBER, now=100.0, expires_in=expires_in)
    return session


def subscribed(session: Session, channel: str = TASK) -> None:
    (command,) = receive(session, f'{{"id":9,"subscribe":{{"channel":"{channel}"}}}}')
    assert isinstance(command, Subscribe)
    session.subscriptions.subscribed(command, Given(), now=100.0)


def spelled(reply: Reply) -> dict[str, Any]:
    return json.loads(JSON.reply(reply))


def answer(decision: object) -> dict[str, Any]:
    assert isinstance(decision, Send)
    return spelled(decision.reply)


def error_code(decision: object) -> int:
    return answer(decision)["error"]["code"]
