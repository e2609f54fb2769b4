"""What happened on this hub by team and namespace: deliveries, and how readers came back.

Only counted here; `Recoveries` and the fan-out's counters say the same of the whole process. There
is one tally for each namespace that a team has used, so their number is bounded by the rules.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from hub.subscriber import Subscriber, Watched
from protocols.channels import Channel, Namespace
from protocols.principals import TeamId


@dataclass(slots=True)
class Tally:
    """Of one team and namespace, since the process began."""

    deliveries: int = 0
    nothing_missed: int = 0
    from_log: int = 0
    from_history: int = 0
    from_feed: int = 0
    not_recovered: int = 0
    fell_behind: int = 0


class Tallies:
    """All of them."""

    def __init__(self) -> None:
        self._by_place: dict[tuple[TeamId, str], Tally] = {}

    def of(self, watched: Watched) -> Tally:
        """The one for this channel."""
        place = (watched.team, namespace_of(watched.channel))
        found = self._by_place.get(place)
        if found is None:
            found = self._by_place[place] = Tally()
        return found

    def of_team(self, team: TeamId) -> Mapping[str, Tally]:
        """By namespace."""
        return {name: one for (whose, name), one in self._by_place.items() if whose == team}

    def came_back(self, subscriber: Subscriber) -> None:
        """This one had asked to go on from a position, and it is decided whether it can."""
        tally, channel = self.of(subscriber.watched), subscriber.watched.channel
        if not subscriber.recovered:
            tally.not_recovered += 1
        elif not subscriber.publications:
            tally.nothing_missed += 1
        elif channel.is_logged:
            tally.from_log += 1
        elif channel.application:
            tally.from_history += 1
        else:
            tally.from_feed += 1


def namespace_of(channel: Channel) -> str:
    """Its name; empty for channels of an application without a colon."""
    namespace = channel.namespace
    return namespace.value if isinstance(namespace, Namespace) else namespace.name
