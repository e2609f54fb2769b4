"""The factory's own state, and models tried, over HTTP."""

from protocols.operations.models import ModelTried, TryModel
from protocols.operations.system import Samples, SamplesQuery, System
from protocols.rest.client_http import Http


class RestSystems:
    """Keeps the promise `protocols.operations.system.Systems`."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def system(self) -> System:
        """Every part looked at now."""
        return await self._http.model("GET", "/system", System)

    async def samples(self, query: SamplesQuery) -> Samples:
        """What the answering hub kept of its last 15 minutes."""
        values = query.model_dump(exclude_defaults=True)
        return await self._http.model("GET", "/system/samples", Samples, query=values)


class RestModelTrials:
    """Keeps the promise `protocols.operations.models.ModelTrials`."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def attempt(self, request: TryModel) -> ModelTried:
        """The model was really asked, by a worker."""
        return await self._http.model("POST", "/models/test", ModelTried, body=request)
