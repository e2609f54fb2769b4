"""Namespaces as this hub knows them: those of its settings, and those that were made since.

It looks every LOOK_SECONDS whether there was a change, and at once when told of one. Who is in a
channel whose rules have changed subscribes again, and has it by the new ones. While Postgres does
not answer, it goes on with what it knows.
"""

import logging

import anyio
import msgspec

from hub.fanout import Fanout
from hub.neighbours import Hearing
from protocols import namespaces
from protocols.errors import FactoryError, InvalidRequest
from protocols.namespaces import ApplicationNamespace, Namespaces
from store.connect import Store
from store.postgres.namespaces import NamespaceRow, NamespaceTable, Stamp
from store.redis.control import Control
from store.redis.messages import Message

logger = logging.getLogger(__name__)

KIND = "namespaces"
LOOK_SECONDS = 2.0


class KnownNamespaces:
    """Keeps `current` true.

    Args:
        table: Those that were made.
        fixed: Those of the settings; they go before any other of the same name.
        control: Tells the other hubs of a change.

    Attributes:
        fixed: As given.
        current: All of them, now; it changes in place.
    """

    def __init__(self, table: NamespaceTable, *, fixed: Namespaces, control: Control) -> None:
        self.fixed = fixed
        self.current = Namespaces(fixed)
        self._table = table
        self._control = control
        self._stamp: Stamp | None = None
        self._look_now = anyio.Event()
        self._tells = False

    def changed(self) -> None:
        """There was a change here: it is taken up at once, and the others are told."""
        self._tells = True
        self._look_now.set()

    def hear(self, message: Message) -> None:
        """There was a change elsewhere."""
        del message
        self._look_now.set()

    async def look(self) -> bool:
        """Know what there is now; whether anything had changed.

        Raises:
            Unavailable: Postgres did not answer.
        """
        stamp = await self._table.stamp()
        if stamp == self._stamp:
            return False
        rows = await self._table.all()
        made = {one.name: one for one in map(_sound, rows) if one is not None}
        self.current.become([*(made | {one.name: one for one in self.fixed}).values()])
        self._stamp = stamp
        return True

    async def run(self, fanout: Fanout) -> None:
        """Look again and again, until cancelled."""
        is_away = False
        while True:
            with anyio.move_on_after(LOOK_SECONDS):
                await self._look_now.wait()
            self._look_now = anyio.Event()
            try:
                await self._tell()
                if await self.look():
                    end_changed(fanout, self.current)
                is_away = False
            except FactoryError as error:
                if not is_away:
                    logger.warning("namespaces are not looked at", extra={"reason": error.message})
                is_away = True
            except Exception:  # namespaces must be taken up, whatever one look ran into
                logger.exception("namespaces are not looked at")

    async def _tell(self) -> None:
        tells, self._tells = self._tells, False
        if tells:
            try:
                await self._control.tell_all(KIND, b"")
            except FactoryError as error:  # they look by themselves
                logger.debug("hubs were not told", extra={"reason": error.message})


async def know_namespaces(
    store: Store, control: Control, hearing: Hearing, fixed: Namespaces
) -> KnownNamespaces:
    """The namespaces there are; `run` keeps them true.

    Args:
        store: Open.
        control: Of this hub.
        hearing: Learns to hear of changes.
        fixed: Those of the settings.
    """
    known = KnownNamespaces(NamespaceTable(store.log_pool), fixed=fixed, control=control)
    hearing.on(KIND, known.hear)
    try:
        await known.look()
    except FactoryError as error:
        logger.warning("namespaces are not known yet", extra={"reason": error.message})
    return known


def end_changed(fanout: Fanout, current: Namespaces) -> None:
    """Who is in a channel whose rules are others now, or that is none any more, comes again."""
    for watched in fanout:
        rules = watched.channel.application
        if rules is not None:
            found = current.of(watched.name)
            if found is None or found[0] != rules:
                fanout.lose(watched)


def _sound(row: NamespaceRow) -> ApplicationNamespace | None:
    """None: a newer version has made it, by rules that are not known here."""
    try:
        return namespaces.make(row.name, msgspec.json.decode(row.rules, type=dict[str, object]))
    except InvalidRequest as error:
        logger.warning("a namespace is left out", extra={"reason": error.message})
        return None
