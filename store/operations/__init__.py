"""The operations, kept by the store: commands append to the log, queries read.

Each takes a `Principal` and asks `store/access.py` first. Bindings translate to these and know
nothing of the store.
"""

from protocols.principals import Principal
from store.connect import Store
from store.knowledge.embedder import Embedder
from store.operations.agents import StoredAgents
from store.operations.catalogue import Catalogue
from store.operations.conversation_list import StoredConversations
from store.operations.knowledge import StoredKnowledge
from store.operations.overview import StoredOverviews
from store.operations.tasks import StoredTasks


class StoredFactory:
    """The factory as one principal may use it; keeps `protocols.operations.factory.Factory`.

    Cheap to make, one for each request; the embedder is one for the process.
    """

    def __init__(
        self, store: Store, principal: Principal, catalogue: Catalogue, embedder: Embedder
    ) -> None:
        self.tasks = StoredTasks(store, principal)
        self.conversations = StoredConversations(store, principal)
        self.knowledge = StoredKnowledge(store, principal, embedder)
        self.agents = StoredAgents(store, principal, catalogue=catalogue, knowledge=self.knowledge)
        self.overview = StoredOverviews(store, principal)
