"""The client for callers without an event loop: scripts, notebooks, threads of a web server.

A thin layer over `client.py`, which runs in an event loop of its own in a thread of its own. What
it says here is said there, too; a test holds the two together.
"""

import warnings
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from protocols.knowledge import SearchAnswer
from protocols.messages import Message
from protocols.operations.models import ModelTried
from protocols.operations.overview import Overview, Window
from protocols.operations.system import System
from protocols.rest.resources import Me, ModelProvider
from protocols.sdk.answers import Answer
from protocols.sdk.blocking_agents import Agents
from protocols.sdk.blocking_knowledge import Knowledge
from protocols.sdk.blocking_streams import TextStream
from protocols.sdk.blocking_tasks import Tasks
from protocols.sdk.client import PATIENCE_SECONDS, AsyncClient
from protocols.sdk.knowledge import Half
from protocols.sdk.portal import Portal


class Client:
    """A factory, for a program without an event loop. Any number of threads may use it.

    ```python
    with pygent.Client() as client:
        answer = client.run("guide", "What is an attempt?")
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
        self._client = AsyncClient(url, token, patience=patience)
        self._portal = Portal(self._client.aclose)
        self.url = self._client.url
        self.tasks = Tasks(self._portal, self._client.tasks)
        self.agents = Agents(self._portal, self._client.agents)
        self.knowledge = Knowledge(self._portal, self._client.knowledge)

    def __repr__(self) -> str:
        return f"<Client {self.url}>"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def __del__(self) -> None:
        portal: Portal | None = getattr(self, "_portal", None)  # none when it was not made
        if portal is not None and portal.is_open:
            warnings.warn(f"{self!r} was not closed", ResourceWarning, stacklevel=2, source=self)

    def close(self) -> None:
        """All connections are closed and the thread has ended; may be repeated."""
        self._portal.close()

    def run(
        self,
        agent: str,
        text: str | Sequence[Message],
        *,
        key: str | None = None,
        context_id: str | None = None,
        timeout: float | None = None,
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
        return self._portal.call(
            lambda: self._client.run(agent, text, key=key, context_id=context_id, timeout=timeout)
        )

    def stream(
        self,
        agent: str,
        text: str | Sequence[Message],
        *,
        key: str | None = None,
        context_id: str | None = None,
    ) -> TextStream:
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
        stream = self._client.stream(agent, text, key=key, context_id=context_id)
        return TextStream(self._portal, stream)

    def search(
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
        return self._portal.call(
            lambda: self._client.search(query, collections=collections, limit=limit, by=by)
        )

    def me(self) -> Me:
        """Who asks, for which team, and the channels of its lists."""
        return self._portal.call(self._client.me)

    def models(self) -> list[ModelProvider]:
        """Where models can come from, and which of these the factory can reach."""
        return self._portal.call(self._client.models)

    def try_model(self, model: str) -> ModelTried:
        """A worker really asks the model for a word, within 10 seconds; a refusal is an answer too.

        Raises:
            InvalidRequest: There is no such provider.
            LimitExceeded: Too many are being tried at once.
            Unavailable: No worker could try it.
        """
        return self._portal.call(lambda: self._client.try_model(model))

    def overview(self, window: Window = "1h") -> Overview:
        """What is working now, throughput, errors and cost over 15m, 1h, 24h or 7d."""
        return self._portal.call(lambda: self._client.overview(window))

    def system(self) -> System:
        """Each part of the factory with its state and cure, its queues, workers and hubs, now."""
        return self._portal.call(self._client.system)
