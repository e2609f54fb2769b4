"""The client for async callers.

It stands on the REST client, adds what a program wants beyond single requests (waiting, text as it
is written, whole lists), and is the one implementation: `blocking.py` calls it from a thread.
"""

from collections.abc import Sequence
from types import TracebackType
from typing import Self
from uuid import uuid4

from protocols.knowledge import SearchAnswer
from protocols.messages import Message
from protocols.operations.models import ModelTried
from protocols.operations.overview import Overview, Window
from protocols.operations.system import System
from protocols.rest.client import RestClient
from protocols.rest.client_repeats import PATIENCE_SECONDS as REQUEST_SECONDS
from protocols.rest.resources import Me, ModelProvider
from protocols.sdk import address
from protocols.sdk.agents import AsyncAgents
from protocols.sdk.answers import Answer
from protocols.sdk.knowledge import AsyncKnowledge, Half
from protocols.sdk.streams import AsyncTextStream, Follow
from protocols.sdk.tasks import AsyncTasks

PATIENCE_SECONDS = 300.0


class AsyncClient:
    """A factory, for a program with an event loop.

    ```python
    async with pygent.AsyncClient() as client:
        answer = await client.run("guide", "What is an attempt?")
    ```
    """

    def __init__(
        self,
        url: str | None = None,
        token: str | None = None,
        *,
        patience: float = PATIENCE_SECONDS,
    ) -> None:
        """A client of one factory; nothing is sent yet.

        Args:
            url: Of the factory, such as `http://127.0.0.1:8000`. Default: `PYGENT_URL`, else the
                factory that runs on the data directory (`PYGENT_DATA_DIR`, `.pygent`).
            token: An API key. Default: `PYGENT_API_KEY`, else the data directory's own.
            patience: Seconds that a factory may be away while a task is followed or waited for;
                of these, 15 at most for a single request that may be sent twice.

        Raises:
            Unavailable: No factory is named, and none runs here.
            Unauthenticated: There is no key.
            InvalidRequest: The address is none.
        """
        found = address.find(url, token)
        self.url = found.url.rstrip("/")
        self._rest = RestClient(
            found.url, token=found.token, patience=min(patience, REQUEST_SECONDS)
        )
        self._follow = Follow(self._rest, patience=patience)
        self.tasks = AsyncTasks(self._rest, self._follow)
        self.agents = AsyncAgents(self._rest)
        self.knowledge = AsyncKnowledge(self._rest)

    def __repr__(self) -> str:
        return f"<AsyncClient {self.url}>"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """All connections are closed; may be repeated."""
        await self._rest.__aexit__(None, None, None)

    async def run(
        self,
        agent: str,
        text: str | Sequence[Message],
        *,
        key: str | None = None,
        context_id: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109  whoever asks for an answer expects to say how long
    ) -> Answer:
        """Ask an agent, and have its answer.

        Args:
            agent: Name or id.
            text: What is asked, or the messages of the conversation so far.
            key: Makes it safe to repeat: the same key with the same request is the same task.
            context_id: Of the conversation it continues: a name, or the id of its first task. The
                agent is given what was asked and answered there before.
            timeout: Seconds to wait for the answer; None waits for as long as it takes.

        Raises:
            NotFound: There is no such agent.
            TaskFailed: The task has no answer; TaskCanceled when it was stopped.
            TimedOut: It is not over; it goes on, under the error's `task_id`.
        """
        task = await self.tasks.submit(agent, text, key=key, context_id=context_id)
        return await task.wait(timeout=timeout)

    def stream(
        self,
        agent: str,
        text: str | Sequence[Message],
        *,
        key: str | None = None,
        context_id: str | None = None,
    ) -> AsyncTextStream:
        """Ask an agent, and have its text while it is being written.

        The task is submitted when the first piece is asked for. A piece is `Text`, or `Voided`: a
        worker died, and what it had written of a message must be taken back.

        Args:
            agent: Name or id.
            text: What is asked, or the messages of the conversation so far.
            key: Makes it safe to repeat: the same key with the same request is the same task.
            context_id: Of the conversation it continues: a name, or the id of its first task. The
                agent is given what was asked and answered there before.

        Raises:
            NotFound: There is no such agent.
            Unavailable: The factory was away for longer than the client's patience.
        """
        key = key or uuid4().hex

        async def begin() -> str:
            return (await self.tasks.submit(agent, text, key=key, context_id=context_id)).id

        return AsyncTextStream(self._follow, begin)

    async def search(
        self, query: str, *, collections: Sequence[str] = (), limit: int = 8, by: Half = "fused"
    ) -> SearchAnswer:
        """Passages for the words, best first, by meaning and by words.

        Args:
            query: A question, or words.
            collections: Names; default all of the team's.
            limit: At most so many passages; 1 to 50.
            by: `meaning` or `words`: by that half of the search alone.

        Raises:
            NotFound: There is no such collection.
        """
        return await self.knowledge.search(query, collections=collections, limit=limit, by=by)

    async def me(self) -> Me:
        """Who asks, for which team, and the channels of its lists."""
        return await self._rest.me()

    async def models(self) -> list[ModelProvider]:
        """Where models can come from, and which of these the factory can reach."""
        return (await self._rest.models()).items

    async def try_model(self, model: str) -> ModelTried:
        """A worker really asks the model for a word, within 10 seconds; a refusal is an answer too.

        Raises:
            InvalidRequest: There is no such provider.
            LimitExceeded: Too many are being tried at once.
            Unavailable: No worker could try it.
        """
        return await self._rest.try_model(model)

    async def overview(self, window: Window = "1h") -> Overview:
        """What is working now, throughput, errors and cost over 15m, 1h, 24h or 7d."""
        return await self._rest.overview.overview(window)

    async def system(self) -> System:
        """Each part of the factory with its state and cure, its queues, workers and hubs, now."""
        return await self._rest.systems.system()
