"""All operations together, for one principal: what a binding is given for each request."""

from typing import Protocol

from protocols.operations.agents import Agents
from protocols.operations.conversations import Conversations
from protocols.operations.knowledge import Knowledge
from protocols.operations.overview import Overviews
from protocols.operations.tasks import Tasks


class Factory(Protocol):
    """The factory as one principal may use it."""

    @property
    def tasks(self) -> Tasks:
        """Requests to agents."""
        ...

    @property
    def conversations(self) -> Conversations:
        """Exchanges over several tasks."""
        ...

    @property
    def agents(self) -> Agents:
        """Versioned specs."""
        ...

    @property
    def knowledge(self) -> Knowledge:
        """Collections, documents and search."""
        ...

    @property
    def overview(self) -> Overviews:
        """Counters of the team."""
        ...
