"""The job behind a model's test: ask it for a word with this worker's keys, and tell who waits.

Nothing of it is a task: it stands in no log, and nobody's budget. Whoever asked is told why, when
the model does not answer.
"""

import json
import logging
import time

import anyio
import msgspec

from agents.model import Model, ModelRequest, Responded, TextDelta
from agents.models import open_model
from agents.models.providers import Outside
from protocols.agents import AgentSpec
from protocols.errors import FactoryError, InvalidRequest, Unavailable
from protocols.messages import user_message
from protocols.operations.models import ModelTried
from store.operations.model_trials import ANSWER_SECONDS, TrialJob
from store.postgres.queue import Claimed
from store.redis.answers import Answers

logger = logging.getLogger(__name__)

QUESTION = "Are you there? Answer with one word."
ANSWER_CHARACTERS = 200
MOST_TOKENS = 1000  # of an answer; those that think first think in them, too


class Trying:
    """Deals with the jobs of the queue `models`."""

    def __init__(self, outside: Outside, answers: Answers) -> None:
        self._outside = outside
        self._answers = answers

    async def attend(self, job: Claimed) -> None:
        """Who waits has the answer; nobody does any more, when the job came late."""
        try:
            trial = msgspec.convert(job.arguments, TrialJob)
        except msgspec.ValidationError:
            said = json.dumps(job.arguments)
            raise InvalidRequest(f"a job of the queue models has {said}") from None
        if time.time() >= trial.until or job.deaths:
            return
        tried = await self._try(trial.model)
        try:
            await self._answers.put(trial.reply, tried.model_dump_json().encode())
        except Unavailable as error:  # to be asked again by who waits, not by the queue
            logger.warning("A model's test was not told", extra={"code": error.code})

    async def _try(self, name: str) -> ModelTried:
        began = time.perf_counter()
        try:
            spec = AgentSpec(name="trial", model=name)
            model = await open_model(spec, self._outside)
            began = time.perf_counter()  # a package's first import is no fault of the model
            with anyio.fail_after(ANSWER_SECONDS):
                return await _ask(model, name)
        except TimeoutError:
            reason = f"{name} did not answer within {ANSWER_SECONDS:.0f} s"
        except FactoryError as error:
            reason = error.message
        except Exception:
            # Who waits is told in any case; the packages raise all kinds of things.
            logger.exception("A model's test broke", extra={"model": name})
            reason = f"asking {name} broke; the worker's log says where"
        seconds = time.perf_counter() - began
        return ModelTried(model=name, is_answering=False, seconds=seconds, reason=reason)


async def _ask(model: Model, name: str) -> ModelTried:
    request = ModelRequest(
        instructions="",
        conversation=(user_message(QUESTION),),
        max_output_tokens=MOST_TOKENS,
        seconds=ANSWER_SECONDS,
    )
    began = time.perf_counter()
    first: float | None = None
    async with model.respond(request) as events:
        async for event in events:
            if isinstance(event, TextDelta) and first is None:
                first = time.perf_counter() - began
            if isinstance(event, Responded):
                return ModelTried(
                    model=name,
                    is_answering=True,
                    seconds=time.perf_counter() - began,
                    first_seconds=first,
                    answer=event.text.strip()[:ANSWER_CHARACTERS],
                    input_tokens=event.usage.input,
                    output_tokens=event.usage.output,
                )
    reason = f"{name} ended without an answer"
    seconds = time.perf_counter() - began
    return ModelTried(model=name, is_answering=False, seconds=seconds, reason=reason)
