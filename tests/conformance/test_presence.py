"""The official Python client sees who is in a channel, who comes and who goes. In both forms."""

import json

import anyio
import pytest
from centrifuge import Client, ReplyError

from protocols import channels, namespaces
from protocols.centrifugal.wire.form import Form
from protocols.operations.presence import Present
from protocols.principals import TeamId
from store.addresses import Addresses
from tests.conformance.conftest import program_on, served_on
from tests.conformance.guests import hub_with_guests, signed, websocket
from tests.conformance.test_application_channels import token_of
from tests.conformance.test_sockets import FORMS
from tests.conformance.watching import Watching, watching

TEXT = json.dumps(
    [
        {"name": "room", "presence": True, "join_leave": True},
        {"name": "loud", "join_leave": True, "force_push_join_leave": True},
        {"name": "shy", "presence": True, "join_leave": True, "see_presence": "operators"},
        {"name": "plain"},
    ]
)
NAMESPACES = namespaces.parse(TEXT)


async def present(one: Watching) -> set[str]:
    return set((await one.subscription.presence()).clients)


@FORMS
async def test_a_client_is_there_once_it_is_subscribed_and_gone_once_it_is_not(
    addresses: Addresses, form: Form
):
    async with (
        served_on(addresses, NAMESPACES) as served,
        watching(served.url, "team-1", is_binary=form.is_binary, channel="room:a") as one,
    ):
        assert await present(one) == {one.id}
        async with watching(
            served.url, "viewer-1", is_binary=form.is_binary, channel="room:a"
        ) as other:
            found = (await one.subscription.presence()).clients
            assert set(found) == {one.id, other.id}
            assert found[other.id].user == "key:viewer"
            stats = await one.subscription.presence_stats()
            assert (stats.num_clients, stats.num_users) == (2, 2)

            await other.subscription.unsubscribe()
            assert await present(one) == {one.id}


@FORMS
async def test_who_wishes_is_told_who_comes_and_goes_itself_included(
    addresses: Addresses, form: Form
):
    async with (
        served_on(addresses, NAMESPACES) as served,
        watching(
            served.url, "team-1", is_binary=form.is_binary, channel="room:a", join_leave=True
        ) as one,
        watching(served.url, "team-1", is_binary=form.is_binary, channel="room:a") as deaf,
    ):
        await one.until_told(("join", deaf.id))
        assert one.comings == [("join", one.id), ("join", deaf.id)]
        await deaf.client.disconnect()
        await one.until_told(("leave", deaf.id))
        assert deaf.comings == []
        assert await present(one) == {one.id}


async def test_a_namespace_can_tell_everybody(addresses: Addresses):
    async with (
        served_on(addresses, NAMESPACES) as served,
        watching(served.url, "viewer-1", is_binary=False, channel="loud:a") as one,
    ):
        await one.until_told(("join", one.id))
        with pytest.raises(ReplyError) as caught:
            await one.subscription.presence()
        assert caught.value.code == 108


async def test_who_may_not_see_is_refused_and_not_told(addresses: Addresses):
    async with (
        served_on(addresses, NAMESPACES) as served,
        watching(
            served.url, "viewer-1", is_binary=False, channel="shy:a", join_leave=True
        ) as viewer,
        watching(served.url, "team-1", is_binary=False, channel="shy:a", join_leave=True) as owner,
    ):
        await owner.until_told(("join", owner.id))
        assert len(await present(owner)) == 2
        for asking in (viewer.subscription.presence, viewer.subscription.presence_stats):
            with pytest.raises(ReplyError) as caught:
                await asking()
            assert caught.value.code == 103
        assert viewer.comings == []


async def test_clients_of_a_hub_that_stops_leave(
    addresses: Addresses,
):
    token = await token_of(addresses)
    async with (
        program_on(addresses, namespaces=TEXT) as one,
        program_on(addresses, namespaces=TEXT) as other,
        watching(one.url, token, is_binary=False, channel="room:a", join_leave=True) as here,
        watching(other.url, token, is_binary=False, channel="room:a") as there,
    ):
        gone = there.id
        assert await present(here) == {here.id, gone}
        await other.stop()
        await here.until_told(("leave", gone))
        assert await present(here) == {here.id}


async def test_a_socket_that_is_cut_leaves(addresses: Addresses):
    async with (
        served_on(addresses, NAMESPACES) as served,
        watching(served.url, "team-1", is_binary=False, channel="room:a", join_leave=True) as one,
        watching(served.url, "team-1", is_binary=False, channel="room:a") as cut,
    ):
        gone = cut.id
        cut.cut()
        await one.until_told(("leave", gone))
        with anyio.fail_after(5):
            while gone in await present(one):
                await anyio.sleep(0.01)


async def test_who_is_in_a_crowd_is_counted_and_not_listed(addresses: Addresses):
    async with (
        served_on(addresses, NAMESPACES) as served,
        watching(served.url, "team-1", is_binary=False, channel="room:a") as one,
    ):
        room = channels.parse("room:a", NAMESPACES)

        async def enter(number: int) -> None:
            info = b'{"user":"u","client":"c%d"}' % number
            await served.live.attendance.enter(TeamId(1), room, Present(f"c{number}", "u", info))

        for first in (0, 500):
            async with anyio.create_task_group() as group:
                for number in range(first, first + 500):
                    group.start_soon(enter, number)
        with pytest.raises(ReplyError) as caught:
            await one.subscription.presence()
        assert caught.value.code == 106
        stats = await one.subscription.presence_stats()
        assert (stats.num_clients, stats.num_users) == (1001, 2)
        await served.live.attendance.leave(TeamId(1), [(room, "c0")])
        assert len((await one.subscription.presence()).clients) == 1000


async def test_who_has_too_much_to_tell_of_itself_does_not_come_in(addresses: Addresses):
    namespaces_ = '[{"name":"room","subscribe":"anyone","presence":true}]'
    async with hub_with_guests(addresses, namespaces=namespaces_) as served:
        for size, ended in ((3000, []), (5000, [106])):
            token = signed(info={"about": "x" * size})
            client = Client(websocket(served), token=token, proxy=None)
            one = Watching(client, "room:a", is_binary=False)
            await client.connect()
            await one.subscription.subscribe()
            with anyio.fail_after(10):
                while not one.ended and not one.subscribed:
                    await anyio.sleep(0.01)
            assert one.ended == ended
            await client.disconnect()
