"""Trying a model: a small job for whichever worker is free, and its answer, waited for.

The hub has neither the models' packages nor, where processes are apart, their keys: a worker has
both, and what it says is what tasks will meet. The answer goes by Redis, nothing of it is kept.
"""

import time
import uuid

import anyio
import msgspec

from protocols.errors import InvalidRequest, LimitExceeded, Unavailable
from protocols.operations.models import ModelTried, TryModel
from protocols.principals import Principal
from store.access import Operation, allow
from store.connect import Store
from store.operations.catalogue import Catalogue
from store.postgres import measures
from store.postgres.queue import Queue

QUEUE = "models"
TASK = "try"
ANSWER_SECONDS = 10.0  # for the model
WAIT_SECONDS = 16.0  # for a worker that is free, its packages, and the model
AT_ONCE = 4
NO_WORKER = "no worker has given a sign of life for 30 s, and a worker is what asks models"


class TrialJob(msgspec.Struct, frozen=True):
    """The job's arguments.

    Attributes:
        reply: The name under which the answer is waited for.
        until: Unix seconds; nobody waits for it after that.
    """

    model: str
    reply: str
    until: float


class StoredModelTrials:
    """Keeps the promise `protocols.operations.models.ModelTrials`.

    Args:
        store: The store.
        principal: Who asks.
        catalogue: The providers there are.
        room: How many are tried at once, by this process.
    """

    def __init__(
        self, store: Store, principal: Principal, *, catalogue: Catalogue, room: anyio.Semaphore
    ) -> None:
        self._store = store
        self._principal = principal
        self._catalogue = catalogue
        self._room = room

    async def attempt(self, request: TryModel) -> ModelTried:
        """See the promise."""
        allow(self._principal, Operation.MODELS_TRY)
        provider, colon, _ = request.model.partition(":")
        if colon and provider not in self._catalogue.providers:
            raise InvalidRequest(self._catalogue.no_provider(provider), field="model")
        if (await measures.waiting(self._store.log_pool)).workers == 0:
            raise Unavailable(NO_WORKER)
        await self._store.broker.ping()
        try:
            self._room.acquire_nowait()
        except anyio.WouldBlock:
            raise LimitExceeded(f"{AT_ONCE} models are being tried; wait for one of them") from None
        try:
            return await self._asked(request.model)
        finally:
            self._room.release()

    async def _asked(self, model: str) -> ModelTried:
        job = TrialJob(model, str(uuid.uuid4()), time.time() + WAIT_SECONDS)
        queue = Queue(self._store.log_pool)
        number = await queue.put(QUEUE, TASK, arguments=msgspec.json.encode(job).decode())
        answers = self._store.broker.answers
        answer = await answers.take(job.reply, within_seconds=WAIT_SECONDS)
        if answer is None:
            await queue.withdraw(number)
            raise Unavailable(
                f"no worker has tried it within {WAIT_SECONDS:.0f} s; they may be busy, or stuck"
            )
        return ModelTried.model_validate_json(answer)
