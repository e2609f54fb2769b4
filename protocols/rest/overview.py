"""Route of the overview."""

from typing import Annotated

from fastapi import APIRouter, Query

from protocols.operations.overview import Overview, Window
from protocols.rest.backing import Asked
from protocols.rest.bodies import StrictRoute

router = APIRouter(route_class=StrictRoute, tags=["overview"])


@router.get("/overview", summary="Read the team's counters")
async def overview(asked: Asked, window: Annotated[Window, Query()] = "1h") -> Overview:
    """What is working now, and throughput, errors and cost over the window."""
    return await asked.overview.overview(window)
