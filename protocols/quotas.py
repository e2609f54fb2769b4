"""How much may be open at once: counted by who holds it, and by the address it came from.

Counts of this process, in memory, for every binding alike: WebSockets, streams of server-sent
events, uploads. A place is taken by entering a block and given back by leaving it, however it is
left; nothing here asks who somebody is or answers anybody.

The limits are far above what a team at work opens, and keep what one holder can pin down within
what a small machine has: a socket may hold a mebibyte that was not yet read, a stream a quarter of
one, an upload the 21 MiB of a document.
"""

import ipaddress
from collections.abc import Generator, Hashable
from contextlib import contextmanager

from protocols.errors import LimitExceeded
from protocols.principals import Principal

SOCKETS = 200  # 200 MiB at worst; a person has a tab or a few, a tab one socket of 128 channels
STREAMS = 100
UPLOADS = 8  # 168 MiB at worst; `pygent ingest` sends one after another
PER_ADDRESS = 2000  # all of an office, or of a proxy that is not told to the hub
RETRY_SECONDS = 5.0
IPV6_PREFIX = 64  # what one customer gets, to make as many addresses of as he likes


class Quota:
    """So many at once for each holder.

    Args:
        what: That which is counted, in the plural: `sockets`.
        limit: At most, for each holder.
        holder: Who holds them, in words: `key or person`.
        setting: The variable by which an operator changes the limit.

    Attributes:
        refused: How often there was no place, since the start.
    """

    def __init__(self, what: str, *, limit: int, holder: str, setting: str) -> None:
        self.what = what
        self.limit = limit
        self.refused = 0
        self._holder = holder
        self._setting = setting
        self._held: dict[Hashable, int] = {}

    def __len__(self) -> int:
        """How many are open, whoever holds them."""
        return sum(self._held.values())

    @contextmanager
    def held_by(self, holder: Hashable) -> Generator[None]:
        """A place, until the end of the block.

        Raises:
            LimitExceeded: All places of this holder are taken.
        """
        if self._held.get(holder, 0) >= self.limit:
            self.refused += 1
            raise LimitExceeded(
                f"the limit of {self.limit} {self.what} open at once for one {self._holder}"
                f" is reached ({self._setting}); close some, then try again",
                retry_seconds=RETRY_SECONDS,
            )
        self._held[holder] = self._held.get(holder, 0) + 1
        try:
            yield
        finally:
            self._held[holder] -= 1
            if not self._held[holder]:
                del self._held[holder]


class Quotas:
    """The quotas of one process; in service each number is a setting.

    Args:
        sockets: WebSockets of one key or person.
        streams: Streams of server-sent events of one key or person.
        uploads: Documents one key or person sends at once.
        per_address: All of these together that come from one address.
    """

    def __init__(
        self,
        *,
        sockets: int = SOCKETS,
        streams: int = STREAMS,
        uploads: int = UPLOADS,
        per_address: int = PER_ADDRESS,
    ) -> None:
        one = "key or person"
        self.sockets = Quota("sockets", limit=sockets, holder=one, setting="PYGENT_MAX_SOCKETS")
        self.streams = Quota(
            "event streams", limit=streams, holder=one, setting="PYGENT_MAX_STREAMS"
        )
        self.uploads = Quota("uploads", limit=uploads, holder=one, setting="PYGENT_MAX_UPLOADS")
        self.addresses = Quota(
            "sockets, event streams and uploads",
            limit=per_address,
            holder="address",
            setting="PYGENT_MAX_PER_ADDRESS",
        )

    @contextmanager
    def stream(self, principal: Principal, address: str) -> Generator[None]:
        """A place for a stream of server-sent events.

        Raises:
            LimitExceeded: The principal or the address has none left.
        """
        with (
            self.addresses.held_by(network_of(address)),
            self.streams.held_by(holder_of(principal)),
        ):
            yield

    @contextmanager
    def upload(self, principal: Principal, address: str) -> Generator[None]:
        """A place for a document on its way.

        Raises:
            LimitExceeded: The principal or the address has none left.
        """
        with (
            self.addresses.held_by(network_of(address)),
            self.uploads.held_by(holder_of(principal)),
        ):
            yield


def holder_of(principal: Principal) -> Hashable:
    """The one key, or the one person however many sessions she has."""
    return (principal.team, principal.actor)


def network_of(address: str) -> str:
    """The address; of version 6 the network it is of."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if parsed.version == 4 or parsed.is_loopback:  # noqa: PLR2004  the version's name is a number
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.ip_network((parsed, IPV6_PREFIX), strict=False))
