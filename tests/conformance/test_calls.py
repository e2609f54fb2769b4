"""The official Python client calls the factory's operations, in both forms, as REST has them."""

import json
from typing import Any

import httpx
import pytest
from centrifuge import CentrifugeError

from hub.procedures import PROCEDURES
from protocols.centrifugal.wire.form import Form
from store.addresses import Addresses
from tests.conformance.guests import Guest, connected, hub_with_guests, signed
from tests.conformance.test_sockets import FORMS

SPEC = {"name": "second", "model": "scripted"}
NOBODY = "0199aaaa-0000-7000-8000-000000000000"


async def call(client: Guest, method: str, arguments: Any = None) -> Any:
    result = await client.client.rpc(method, client.write(arguments or {}))
    return client.read(result.data)


async def refusal(client: Guest, method: str, data: Any = None) -> tuple[int, str]:
    with pytest.raises(CentrifugeError) as refused:
        await client.client.rpc(method, client.write({}) if data is None else data)
    return getattr(refused.value, "code", 0), str(refused.value)


@FORMS
async def test_operations_are_called_by_name_and_answer_as_rest_does(
    addresses: Addresses, form: Form
):
    async with hub_with_guests(addresses) as served:
        key = await served.key()
        async with (
            served.with_key(key) as rest,
            connected(served, key, is_binary=form.is_binary) as client,
        ):
            submit = {"agent": "echo", "input": "hello", "idempotency_key": "one"}
            receipt = await call(client, "tasks.submit", submit)
            assert await call(client, "tasks.submit", submit) == receipt
            again = await rest.post(
                "/api/v1/tasks",
                json={"agent": "echo", "input": "hello"},
                headers={"Idempotency-Key": "one"},
            )
            assert again.json() == receipt
            task = {"task_id": receipt["id"]}
            at = f"/api/v1/tasks/{receipt['id']}"
            await same(client, "tasks.get", task, rest, at)
            await same(client, "tasks.receipt", task, rest, f"{at}/receipt")
            await same(client, "tasks.events", {**task, "limit": 5}, rest, f"{at}/events?limit=5")
            await same(client, "tasks.events", {**task, "before": 1}, rest, f"{at}/events?before=1")
            await same(client, "tasks.list", {"limit": 5}, rest, "/api/v1/tasks?limit=5")
            await same(client, "agents.get", {"name": "echo"}, rest, "/api/v1/agents/echo")
            await same(
                client, "agents.versions", {"name": "echo"}, rest, "/api/v1/agents/echo/versions"
            )
            await same(client, "collections.list", {}, rest, "/api/v1/collections")
            assert (await call(client, "tasks.cancel", task))["state"] == "canceled"
            made = await call(client, "agents.create", {"spec": SPEC})
            changed = {"spec": {**SPEC, "description": "x"}, "name": "second", "expected": 1}
            assert (await call(client, "agents.publish", changed))["number"] == made["number"] + 1
            assert (await call(client, "agents.retire", {"name": "second"}))["state"] == "retired"


async def same(
    client: Guest, method: str, arguments: Any, rest: httpx.AsyncClient, path: str
) -> None:
    answer = await rest.get(path)
    assert answer.status_code == 200, answer.text
    assert await call(client, method, arguments) == answer.json(), method


@FORMS
async def test_a_guest_calls_nothing_of_the_factory(addresses: Addresses, form: Form):
    arguments: dict[str, dict[str, Any]] = {
        "tasks.submit": {"agent": "echo", "input": "hello"},
        "agents.validate": {"spec": SPEC},
        "agents.create": {"spec": SPEC},
        "agents.publish": {"name": "echo", "spec": SPEC},
        "search": {"query": "x"},
        "search.nearest": {"query": "x", "chunk": NOBODY},
        "collections.get": {"name": "x"},
    }
    async with (
        hub_with_guests(addresses) as served,
        connected(served, signed(), is_binary=form.is_binary) as guest,
    ):
        for method in PROCEDURES:
            kind = method.partition(".")[0]
            plain = {"tasks": {"task_id": NOBODY}, "agents": {"name": "echo"}}
            default = {} if method.endswith(".list") else plain.get(kind, {})
            given = guest.write(arguments.get(method, default))
            code, sentence = await refusal(guest, method, given)
            assert (code, "the role is guest" in sentence) == (103, True), (method, sentence)


@FORMS
async def test_refusals_are_the_factorys_own_words(addresses: Addresses, form: Form):
    async with (
        hub_with_guests(addresses) as served,
        connected(served, await served.key(), is_binary=form.is_binary) as client,
    ):
        assert (await refusal(client, "tasks.dance"))[0] == 104
        assert (await refusal(client, ""))[0] == 104
        code, sentence = await refusal(client, "tasks.get", client.write({"task_id": NOBODY}))
        assert (code, f"there is no task {NOBODY!r}" in sentence) == (404, True)
        agent = client.write({"spec": {"name": "echo", "model": "scripted"}})
        assert (await refusal(client, "agents.create", agent))[0] == 409
        for data in ({}, {"task_id": 5}, {"task_id": NOBODY, "more": 1}, [], 5, "x\x00"):
            assert (await refusal(client, "tasks.get", client.write(data)))[0] == 107, data
        deep = json.loads("[" * 80 + "]" * 80)
        assert (await refusal(client, "tasks.get", client.write({"task_id": deep})))[0] == 107
        if form.is_binary:
            assert (await refusal(client, "tasks.get", b"\xff no json"))[0] == 107
        assert client.closed == []
