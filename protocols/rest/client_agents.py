"""Agents over HTTP: keeps `protocols.operations.agents.Agents`."""

from protocols.agents import AgentSpec
from protocols.operations.agents import (
    Agent,
    AgentQuery,
    AgentRow,
    AgentVersion,
    SpecCheck,
    ValidateSpec,
)
from protocols.operations.listings import Listing
from protocols.rest.client_http import Http, part, query_of


class RestAgents:
    """Versioned specs, over HTTP."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def create(self, spec: AgentSpec) -> Agent:
        """The agent exists with this spec as version 1."""
        return await self._http.model("POST", "/agents", Agent, body=spec)

    async def validate(self, request: ValidateSpec) -> SpecCheck:
        """What creating or publishing the spec would say."""
        return await self._http.look("/agents/validate", SpecCheck, body=request)

    async def publish(self, name: str, spec: AgentSpec, *, expected: int | None = None) -> Agent:
        """The spec is the agent's next version."""
        query = None if expected is None else {"expected": expected}
        return await self._http.model("PUT", f"/agents/{part(name)}", Agent, body=spec, query=query)

    async def get(self, name: str, *, number: int | None = None) -> Agent:
        """The agent with its latest spec, or that of version `number`."""
        path = f"/agents/{part(name)}"
        if number is not None:
            path += f"/versions/{number}"
        return await self._http.model("GET", path, Agent)

    async def versions(self, name: str) -> list[AgentVersion]:
        """All published versions, newest first."""
        path = f"/agents/{part(name)}/versions"
        return (await self._http.model("GET", path, Listing[AgentVersion])).items

    async def list(self, query: AgentQuery) -> Listing[AgentRow]:
        """Agents of the team by name."""
        return await self._http.model("GET", "/agents", Listing[AgentRow], query=query_of(query))

    async def retire(self, name: str) -> Agent:
        """The agent takes no more tasks."""
        return await self._http.model("POST", f"/agents/{part(name)}/retire", Agent)
