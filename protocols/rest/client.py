"""The REST client: keeps the promises of the operations over HTTP, and follows tasks.

The dashboard and the command stand on it, and anybody's program may. Problems become the same
errors the operations raise. Every wait has a limit. A stream's connection is made again by itself,
and what may be sent twice is, while the hub is away.
"""

from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager
from types import TracebackType
from typing import Self

import httpx

from protocols.events import Event
from protocols.operations.keys import ApiKey, CreatedKey, CreateKey
from protocols.operations.listings import Listing
from protocols.operations.models import ModelTried, TryModel
from protocols.operations.overview import Overview, Window
from protocols.rest.client_agents import RestAgents
from protocols.rest.client_conversations import RestConversations
from protocols.rest.client_http import Http, part
from protocols.rest.client_hubs import RestHubs
from protocols.rest.client_knowledge import RestKnowledge
from protocols.rest.client_namespaces import RestNamespaces
from protocols.rest.client_repeats import PATIENCE_SECONDS
from protocols.rest.client_stream import follow
from protocols.rest.client_system import RestModelTrials, RestSystems
from protocols.rest.client_tasks import RestTasks
from protocols.rest.resources import Me, Models

SESSION_COOKIE = "pygent_session"
TIMEOUT = httpx.Timeout(30.0, connect=5.0, pool=5.0)


class RestClient:
    """The factory at an address, as whoever holds the key or the session.

    Keeps `protocols.operations.factory.Factory`. Open it with `async with`.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str | None = None,
        cookie: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        patience: float = PATIENCE_SECONDS,
        on_wait: Callable[[str], None] | None = None,
    ) -> None:
        """A client of one hub.

        Args:
            url: Of the hub, such as `http://127.0.0.1:8000`.
            token: An API key.
            cookie: The value of a session's cookie, when there is no key.
            transport: Instead of the network.
            patience: Seconds that the hub may be away, of what may be sent twice; 0: none.
            on_wait: Told why, before such a request is sent again.
        """
        origin = url.rstrip("/")
        headers = {"User-Agent": "pygent"}
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        elif cookie is not None:
            headers["Cookie"] = f"{SESSION_COOKIE}={cookie}"
            headers["Origin"] = str(httpx.URL(origin).copy_with(raw_path=b"/")).rstrip("/")
        self._client = httpx.AsyncClient(
            base_url=f"{origin}/api/v1",
            headers=headers,
            timeout=TIMEOUT,
            transport=transport,
            trust_env=False,
            follow_redirects=False,
        )
        self._http = Http(self._client, patience=patience, on_wait=on_wait)
        self._tasks = RestTasks(self._http)
        self._conversations = RestConversations(self._http)
        self._agents = RestAgents(self._http)
        self._knowledge = RestKnowledge(self._http)
        self._overview = RestOverviews(self._http)
        self._keys = RestKeys(self._http)
        self._namespaces = RestNamespaces(self._http)
        self._systems = RestSystems(self._http)
        self._hubs = RestHubs(self._http)
        self._trials = RestModelTrials(self._http)

    async def __aenter__(self) -> Self:
        await self._client.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._client.__aexit__(kind, error, trace)

    @property
    def tasks(self) -> RestTasks:
        """Requests to agents."""
        return self._tasks

    @property
    def conversations(self) -> RestConversations:
        """Exchanges over several tasks."""
        return self._conversations

    @property
    def agents(self) -> RestAgents:
        """Versioned specs."""
        return self._agents

    @property
    def knowledge(self) -> RestKnowledge:
        """Collections, documents and search."""
        return self._knowledge

    @property
    def overview(self) -> "RestOverviews":
        """Counters of the team."""
        return self._overview

    @property
    def keys(self) -> "RestKeys":
        """API keys of the team."""
        return self._keys

    @property
    def namespaces(self) -> RestNamespaces:
        """Namespaces of application channels."""
        return self._namespaces

    @property
    def systems(self) -> RestSystems:
        """The factory's own state."""
        return self._systems

    @property
    def hubs(self) -> RestHubs:
        """The realtime hub."""
        return self._hubs

    async def me(self) -> Me:
        """Who asks, and the feeds of the team."""
        return await self._http.model("GET", "/me", Me)

    async def models(self) -> Models:
        """Where models can come from."""
        return await self._http.model("GET", "/models", Models)

    async def try_model(self, model: str) -> ModelTried:
        """How a model answers a word, or why it does not."""
        return await self._trials.attempt(TryModel(model=model))

    def stream(
        self,
        task_id: str,
        *,
        after: int = 0,
        on_wait: Callable[[float], None] | None = None,
    ) -> AbstractAsyncContextManager[AsyncGenerator[Event]]:
        """A task's events above `after`, each once and in order, until the task is over.

        The connection is made again by itself, with back-off, for as long as it takes; bound it
        from outside where that is too long. Open it with `async with`.

        Args:
            task_id: Of the task.
            after: The last version that is known.
            on_wait: Called with the seconds before each new try.

        Raises:
            NotFound: There is no such task.
            WrongVersion: The log is another one, or shorter: begin again after 0.
        """
        return follow(self._client, f"/tasks/{part(task_id)}/stream", after=after, on_wait=on_wait)


class RestOverviews:
    """Counters of the team, over HTTP."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def overview(self, window: Window = "1h") -> Overview:
        """What is working now, throughput, errors and cost."""
        return await self._http.model("GET", "/overview", Overview, query={"window": window})


class RestKeys:
    """API keys of the team, over HTTP."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def create(self, request: CreateKey) -> CreatedKey:
        """A key exists; its token is in the answer, once."""
        return await self._http.model("POST", "/keys", CreatedKey, body=request)

    async def list(self) -> list[ApiKey]:
        """All keys of the team, newest first."""
        return (await self._http.model("GET", "/keys", Listing[ApiKey])).items

    async def revoke(self, key_id: str) -> ApiKey:
        """The key opens nothing any more."""
        return await self._http.model("DELETE", f"/keys/{part(key_id)}", ApiKey)
