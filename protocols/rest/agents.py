"""Routes of agents."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, status

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
from protocols.rest.backing import Asked, NamePath
from protocols.rest.bodies import StrictRoute

router = APIRouter(route_class=StrictRoute, tags=["agents"])

Number = Annotated[int, Path(ge=1, le=2**31 - 1, description="Number of the version, from 1.")]
Expected = Annotated[
    int | None,
    Query(
        ge=1,
        le=2**31 - 1,
        description="Number of the latest version the spec was made from; refused with 409 where "
        "another one was published meanwhile.",
    ),
]


@router.post("/agents", status_code=status.HTTP_201_CREATED, summary="Create an agent")
async def create(spec: AgentSpec, asked: Asked) -> Agent:
    """The agent exists with this spec as version 1, and takes tasks."""
    return await asked.agents.create(spec)


@router.post("/agents/validate", summary="Look at a spec before it is published")
async def validate(request: ValidateSpec, asked: Asked) -> SpecCheck:
    """Every problem that creating the agent, or publishing its version, would be refused for."""
    return await asked.agents.validate(request)


@router.get("/agents", summary="List agents")
async def agents(query: Annotated[AgentQuery, Query()], asked: Asked) -> Listing[AgentRow]:
    """Agents of the team by name."""
    return await asked.agents.list(query)


@router.get("/agents/{name}", summary="Read an agent")
async def agent(name: NamePath, asked: Asked) -> Agent:
    """The agent with its latest spec."""
    return await asked.agents.get(name)


@router.put("/agents/{name}", summary="Publish a version of an agent")
async def publish(
    name: NamePath, spec: AgentSpec, asked: Asked, expected: Expected = None
) -> Agent:
    """The spec is the agent's next version; the same spec again changes nothing."""
    return await asked.agents.publish(name, spec, expected=expected)


@router.get("/agents/{name}/versions", summary="List an agent's versions")
async def versions(name: NamePath, asked: Asked) -> Listing[AgentVersion]:
    """All published versions, newest first."""
    return Listing(items=await asked.agents.versions(name))


@router.get("/agents/{name}/versions/{number}", summary="Read a version of an agent")
async def version(name: NamePath, number: Number, asked: Asked) -> Agent:
    """The agent with the spec of that version."""
    return await asked.agents.get(name, number=number)


@router.post("/agents/{name}/retire", summary="Retire an agent")
async def retire(name: NamePath, asked: Asked) -> Agent:
    """The agent takes no more tasks; repeating it changes nothing."""
    return await asked.agents.retire(name)
