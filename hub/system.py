"""The factory's own state, for whoever may see it: parts, processes, and this hub's samples."""

import platform
from datetime import UTC, datetime

from hub import parts
from hub.opened import Opened
from hub.settings import HubSettings
from hub.version import VERSION
from protocols.operations.system import (
    PartState,
    QueueCount,
    Samples,
    SamplesQuery,
    System,
    WorkerBeat,
)
from protocols.principals import Principal
from store.access import Operation, allow


class HubSystem:
    """Keeps the promise `protocols.operations.system.Systems`."""

    def __init__(self, opened: Opened, settings: HubSettings, principal: Principal) -> None:
        self._opened = opened
        self._settings = settings
        self._principal = principal

    async def system(self) -> System:
        """See the promise."""
        allow(self._principal, Operation.SYSTEM_READ)
        found = await parts.look(self._opened, self._settings)
        now = found.now
        return System(
            hub=self._opened.sampler.id,
            time=datetime.now(UTC),
            is_well=all(part.state is PartState.WELL for part in found.parts),
            version=VERSION,
            python=platform.python_version(),
            embedder=self._opened.embedder.name,
            epoch=self._opened.store.log.epoch,
            position=now.position if now else None,
            parts=found.parts,
            queues=[
                QueueCount(name=one.name, waiting=one.waiting, running=one.running)
                for one in (now.queues if now else ())
            ],
            workers=[
                WorkerBeat(id=one.id, beat_seconds=one.seconds, running=one.running)
                for one in (now.workers if now else ())
            ],
            hubs=found.hubs,
        )

    async def samples(self, query: SamplesQuery) -> Samples:
        """See the promise."""
        allow(self._principal, Operation.SYSTEM_READ)
        sampler = self._opened.sampler
        if query.hub not in ("", sampler.id):
            return sampler.samples(after=2**60)
        return sampler.samples(after=query.after)
