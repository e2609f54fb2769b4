"""What a first start finds: the product's own documentation, and an agent that answers from it.

Asked of the operations as anybody would ask, by the system. Every start calls it: what is there
already stays, and what a person has changed is left alone. The workers do the rest.
"""

import logging
from contextlib import suppress
from pathlib import Path

from anyio.to_thread import run_sync

from protocols.agents import AgentSpec, AgentState
from protocols.errors import AlreadyExists
from protocols.knowledge import CreateCollection
from protocols.principals import Principal, system
from store.connect import Store
from store.knowledge import documents
from store.knowledge.embedder import Embedder
from store.knowledge.embedders.hashing import Hashing
from store.operations.agents import StoredAgents
from store.operations.catalogue import BUILT_IN
from store.operations.knowledge import StoredKnowledge

logger = logging.getLogger(__name__)

NOT_FOR_QUESTIONS = frozenset(  # for builders, or a page of links
    {"architecture.md", "changelog.md", "events.md", "index.md", "licences.md", "releasing.md"}
)

COLLECTION = CreateCollection(
    name="pygent-docs",
    description="How PyGent Factory works and how to use it: its own documentation.",
)
GUIDE = AgentSpec(
    name="guide",
    description="Answers questions about PyGent Factory from its documentation, with sources.",
    instructions=(
        "You help people who use PyGent Factory. Search the documentation before you answer, with "
        "the words of the question and, where they lead nowhere, with other words for the same. "
        "Say only what the passages say, in a few plain sentences, and cite each as [n]. Give "
        "commands and names exactly as they are written. Where the documentation is silent, say "
        "so and name the page that comes nearest."
    ),
    model="extractive",
    strategy="react",
    tools=("knowledge_search",),
    collections=(COLLECTION.name,),
)


async def seed(store: Store, embedder: Embedder, *, directory: Path) -> None:
    """The collection, its documents and the agent `guide` are there; documents may be queued.

    Vectors that were made while the weights were absent are made anew once they are there.

    Args:
        store: Opened.
        embedder: Of this installation.
        directory: Where `README.md` and `docs/` are, of which the pages for users are taken.
    """
    principal = system()
    asked = StoredKnowledge(store, principal, embedder)
    with suppress(AlreadyExists):
        await asked.create(COLLECTION)
    for source, content in await run_sync(_pages, directory):
        await asked.add(
            COLLECTION.name, content, title="", source=source, media_type="text/markdown"
        )
    if embedder.name != Hashing.name:
        async with store.app.team(principal.team) as connection:
            await documents.queue_again(connection, embedder=Hashing.name)
    await _agent(StoredAgents(store, principal, catalogue=BUILT_IN, knowledge=asked), principal)


def _pages(directory: Path) -> list[tuple[str, bytes]]:
    """Sources, as the repository names them, and contents; empty files are left out."""
    pages = (
        page for page in (directory / "docs").glob("*.md") if page.name not in NOT_FOR_QUESTIONS
    )
    files = [directory / "README.md", *sorted(pages)]
    found = [
        (file.relative_to(directory).as_posix(), file.read_bytes())
        for file in files
        if file.is_file()
    ]
    return [(source, content) for source, content in found if content.strip()]


async def _agent(agents: StoredAgents, principal: Principal) -> None:
    """The guide has this version's spec, unless a person has published one or retired it."""
    try:
        await agents.create(GUIDE)
    except AlreadyExists:
        found = await agents.get(GUIDE.name)
        is_ours = found.published_by == principal.actor and found.state is not AgentState.RETIRED
        if is_ours and found.spec.hash != GUIDE.hash:
            await agents.publish(GUIDE.name, GUIDE)
            logger.info("guide published anew", extra={"spec_hash": GUIDE.hash})
