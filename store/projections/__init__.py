"""The tables folded from the log: one file each, one line each in PROJECTIONS."""

from store.projection import Projection
from store.projections.agents import AgentProjection
from store.projections.overview import OverviewProjection
from store.projections.tasks import TaskProjection

PROJECTIONS: tuple[Projection, ...] = (TaskProjection(), AgentProjection(), OverviewProjection())
