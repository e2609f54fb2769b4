"""Routes about the factory itself: its parts, this hub's latest minutes, and models to be tried."""

from typing import Annotated

from fastapi import APIRouter, Query

from protocols.operations.models import ModelTried, TryModel
from protocols.operations.system import Samples, SamplesQuery, System
from protocols.rest.backing import Asking, Backed
from protocols.rest.bodies import StrictRoute

router = APIRouter(route_class=StrictRoute, tags=["system"])


@router.get("/system", summary="Look at every part")
async def system(backed: Backed, asking: Asking) -> System:
    """Each part with its state, latency, version and cure; queue, workers and hubs. Looked at now.

    For operators and owners. What does not answer within two seconds is down.
    """
    return await backed.system(asking).system()


@router.get("/system/samples", summary="Read a hub's latest minutes")
async def samples(
    query: Annotated[SamplesQuery, Query()], backed: Backed, asking: Asking
) -> Samples:
    """A sample a second of the hub that answers, of its last 15 minutes.

    With `after` set to the last answer's `next`: those that came since.

    Behind a balancer each answer may be another hub's: `hub` asks for one of them, and the others
    answer with no samples.
    """
    return await backed.system(asking).samples(query)


@router.post("/models/test", summary="Try a model")
async def try_model(request: TryModel, backed: Backed, asking: Asking) -> ModelTried:
    """A worker asks the model for one word with the keys of its own environment, within 10 seconds.

    What the model or its provider refuses is an answer too: `is_answering` is false, and `reason`
    says what to do. It costs what a short call costs.
    """
    return await backed.trials(asking).attempt(request)
