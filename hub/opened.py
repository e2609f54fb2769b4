"""What the hub has open while it serves; before and after that, asking for it is `Unavailable`."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

import anyio

from hub import emulation, everywhere, looks
from hub.errands import Errands
from hub.here import Here
from hub.hooks import open_hooks
from hub.identity.authentication import Authentication
from hub.inspection import Inspection
from hub.known_namespaces import KnownNamespaces, know_namespaces
from hub.live import Live, open_hub
from hub.neighbours import Hearing, new_node, open_neighbours
from hub.procedures import FactoryProcedures
from hub.sampler import Sampler
from hub.settings import HubSettings
from hub.statuses import Noted
from protocols.centrifugal.backing import Backing
from protocols.centrifugal.pace import Pace
from protocols.centrifugal.routes import Sockets
from protocols.centrifugal.transports.sessions import Sessions
from protocols.errors import FactoryError, Unavailable
from protocols.quotas import Quotas
from store.connect import Store, open_store
from store.knowledge.embedder import Embedder
from store.knowledge.embedders import choose_embedder
from store.operations import StoredFactory
from store.operations.catalogue import BUILT_IN
from store.postgres.identity import IdentityTable
from store.redis.realtime import Realtime

logger = logging.getLogger(__name__)

DRAIN_SECONDS = 3.0
SWEEP_SECONDS = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """The pieces, open."""

    store: Store
    live: Live
    sockets: Sockets
    sessions: Sessions
    realtime: Realtime
    here: Here
    inspection: Inspection
    namespaces: KnownNamespaces
    identities: IdentityTable
    authentication: Authentication
    embedder: Embedder
    quotas: Quotas
    sampler: Sampler


class Hub:
    """One hub of this process.

    Attributes:
        settings: Its own.
        is_draining: It is about to stop: nothing new should come here.
    """

    def __init__(self, settings: HubSettings) -> None:
        self.settings = settings
        self.is_draining = False
        self._opened: Opened | None = None

    @property
    def opened(self) -> Opened:
        """The pieces.

        Raises:
            Unavailable: The hub is starting or stopping.
        """
        if self._opened is None:
            raise Unavailable("the hub is not ready yet; try again in a moment")
        return self._opened

    @property
    def authentication(self) -> Authentication:
        """What finds out who asks."""
        return self.opened.authentication

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[Opened]:
        """Everything open until the end of the block."""
        node, hearing = new_node(), Hearing()
        async with (
            open_store(self.settings.addresses) as store,
            open_neighbours(store, node, hearing) as realtime,
            open_hooks(self.settings.hook_url, self.settings.hook_secret_text) as hooks,
            anyio.create_task_group() as group,
            self._open_live(store, realtime, hearing) as (live, namespaces),
        ):
            identities = IdentityTable(store.log_pool, store.app)
            authentication = Authentication(identities)
            quotas = self.settings.quotas()
            embedder = choose_embedder()
            procedures = FactoryProcedures(
                lambda principal: StoredFactory(store, principal, BUILT_IN, embedder)
            )
            sockets = Sockets(
                Backing(channels=live, procedures=procedures, hooks=hooks),
                authentication.authenticate,
                quotas=quotas,
                pace=self._pace,
                keyring=self.settings.token_keys(),
            )
            sessions = Sessions(node, emulation.OtherHubs(realtime.control).hand_over)
            hearing.on(emulation.KIND, partial(emulation.hear, sessions))
            sampler = Sampler(store, live, sockets, node=node, is_draining=lambda: self.is_draining)
            here = Here(
                node,
                sockets,
                live.fanout,
                counts=sampler.counts,
                errands=Errands(group),
                namespaces=live.namespaces,
            )
            hearing.on(everywhere.KIND, here.hear)
            inspected = Inspection(node, sockets, live)
            hearing.on(looks.KIND, inspected.hear)
            self._opened = Opened(
                store=store,
                live=live,
                sockets=sockets,
                sessions=sessions,
                realtime=realtime,
                here=here,
                inspection=inspected,
                namespaces=namespaces,
                identities=identities,
                authentication=authentication,
                embedder=embedder,
                quotas=quotas,
                sampler=sampler,
            )
            group.start_soon(_sweep, identities)
            group.start_soon(sampler.run)
            group.start_soon(Noted(sockets, realtime.statuses).run)
            group.start_soon(namespaces.run, live.fanout)
            try:
                yield self._opened
            finally:
                self._opened = None
                group.cancel_scope.cancel()

    @asynccontextmanager
    async def _open_live(
        self, store: Store, realtime: Realtime, hearing: Hearing
    ) -> AsyncGenerator[tuple[Live, KnownNamespaces]]:
        fixed = self.settings.application_namespaces()
        namespaces = await know_namespaces(store, realtime.control, hearing, fixed)
        async with open_hub(store, realtime, namespaces.current) as live:
            yield live, namespaces

    def _pace(self) -> Pace:
        return Pace(self.settings.commands_per_second, self.settings.commands_burst)

    async def drain(self, *, within_seconds: float = DRAIN_SECONDS) -> None:
        """Readiness off, then sockets and streams ended; the server stops listening after this.

        Called by whoever runs the server, when it is told to stop and before it waits for what is
        open. May be called again.
        """
        if self.is_draining:
            return
        self.is_draining = True
        if self._opened is not None:
            await self._opened.sockets.drain(within_seconds=within_seconds)
            self._opened.live.end_followers()


async def _sweep(identities: IdentityTable) -> None:
    """Ended tickets and sessions are deleted now and then; any hub may do it."""
    while True:
        await anyio.sleep(SWEEP_SECONDS)
        try:
            await identities.sweep()
        except FactoryError as error:
            logger.warning("ended sessions were not deleted", extra={"reason": error.message})
