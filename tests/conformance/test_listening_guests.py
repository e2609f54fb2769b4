"""Guests that only listen: what a token puts them into stands in the first message."""

import json

import httpx

from protocols.centrifugal.transports.uni_routes import UNI_HTTP_STREAM_PATH
from store.addresses import Addresses
from tests.conformance.guests import KEYS, NAMESPACES, signed
from tests.conformance.test_listeners import lines_of
from tests.hub.test_server_api import api_of
from tests.serving import serving


async def test_a_listening_guest_is_where_its_token_and_servers_put_it(addresses: Addresses):
    limits = {"namespaces": NAMESPACES, "realtime_keys": KEYS}
    async with (
        serving(addresses, limits=limits) as served,
        api_of(served, await served.key()) as api,
        httpx.AsyncClient(base_url=served.url, timeout=10, trust_env=False) as http,
    ):
        first = await api.result("publish", channel="closed:a", data=1)
        await api.result("publish", channel="closed:a", data=2)
        since = {"recover": True, "offset": 1, "epoch": first["epoch"]}
        asked = {
            "token": signed(channels=["closed:a"]),
            "subs": {"closed:a": since, "open:b": {}, "#42": {}},
        }
        async with http.stream("POST", UNI_HTTP_STREAM_PATH, content=json.dumps(asked)) as answer:
            following = lines_of(answer.aiter_lines())
            connect = (await following())["connect"]
            assert set(connect["subs"]) == {"#42", "closed:a"}
            assert connect["subs"]["closed:a"]["recovered"]
            assert [one["data"] for one in connect["subs"]["closed:a"]["publications"]] == [2]
            told = await following()  # of what it asked for besides, and not twice of the others
            assert (told["channel"], "subscribe" in told) == ("open:b", True)

            known = {"session": connect["session"], "channel": "closed:b"}
            await api.result("subscribe", **known, data={"seat": 7})
            told = await following()
            assert (told["channel"], told["subscribe"]["data"]) == ("closed:b", {"seat": 7})
            await api.result("publish", channel="closed:b", data=3)
            assert (await following())["pub"]["data"] == 3
            await api.result("unsubscribe", **known)
            assert (await following())["unsubscribe"]["code"] == 2000
            await api.result("disconnect", session=connect["session"])
            assert (await following())["disconnect"]["code"] == 3503
