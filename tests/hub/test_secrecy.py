"""What one team may learn of another by watching: nothing, not even what exists."""

import pytest

from protocols.channels import Channel
from protocols.errors import FactoryError, NotFound
from protocols.principals import Principal
from tests.hub.conftest import OTHER_TEAM, TEAM, Collected, Hub


async def test_a_channel_of_another_team_and_one_that_is_not_there_sound_the_same(hub: Hub):
    absent, theirs = hub.write.new_stream(), hub.write.new_stream()
    await hub.write.append(theirs)
    for _ in range(2):  # once watched, its top is known
        assert await refused(hub, OTHER_TEAM, theirs) == f"there is no channel '{theirs}'"
        assert await refused(hub, OTHER_TEAM, absent) == f"there is no channel '{absent}'"
    assert await refused(hub, TEAM, absent) == f"there is no channel '{absent}'"


async def refused(hub: Hub, principal: Principal, channel: Channel) -> str:
    said: list[FactoryError] = []
    with pytest.raises(NotFound) as by_subscribing:
        await hub.live.subscribe(principal, Collected(), channel=channel, since=None)
    said.append(by_subscribing.value)
    with pytest.raises(NotFound) as by_history:
        await hub.live.history(principal, channel, since=None, limit=1, reverse=False)
    said.append(by_history.value)
    (sentence,) = {error.message for error in said}
    return sentence
