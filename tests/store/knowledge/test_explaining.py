"""Why a passage was found: its ranks, the places of the query's words, its nearest sentence."""

import time

import pytest

from protocols.errors import InvalidRequest, NotFound
from protocols.knowledge import NearestRequest, SearchRequest, Span
from store.connect import Store
from store.knowledge.explaining import sentences, spans
from tests.store.knowledge.people import knowledge, minilm, with_documents
from tests.store.people import OTHER_TEAM

POOL = """# Runbook: database pool

When every connection of the pool is taken, requests queue. Latency climbs long before errors.
Raise pool.max, one zone at a time.
"""
SHIPS = "# Ships\n\nA harbour pool is deep. The connection to the sea is short."


def marked(text: str, spans: list[Span]) -> list[str]:
    return [text[begin:end] for begin, end in spans]


async def test_the_words_of_a_query_are_found_by_their_stems(store: Store) -> None:
    await with_documents(store, {"pool.md": POOL})
    asked = knowledge(store)
    request = SearchRequest(query="how are connections pooled in databases", explain=True)
    (found,) = (await asked.search(request)).passages
    assert found.matches is not None
    assert marked(found.text, found.matches.text) == ["connection", "pool", "pool"]
    assert marked(found.title, found.matches.title) == ["database", "pool"]
    assert marked(found.location, found.matches.location) == ["database", "pool"]
    plain = await asked.search(SearchRequest(query="connections"))
    assert plain.passages[0].matches is None
    assert plain.seconds > 0


async def test_names_that_the_search_keeps_whole_are_marked_whole(store: Store) -> None:
    await with_documents(
        store, {"a.md": "# A\n\nAsk ada@example.org about <b>2.1.0</b> \U0001f600."}
    )
    request = SearchRequest(query="ada@example.org 2.1.0", explain=True)
    (found,) = (await knowledge(store).search(request)).passages
    assert found.matches is not None
    assert marked(found.text, found.matches.text) == ["ada@example.org", "2.1.0"]


async def test_ranks_say_how_the_fused_score_came_about(store: Store) -> None:
    await with_documents(store, {"pool.md": POOL, "ships.md": SHIPS})
    asked = knowledge(store)
    passages = (await asked.search(SearchRequest(query="pool of connections"))).passages
    assert len(passages) == 2
    for found in passages:
        ranks = [rank for rank in (found.vector_rank, found.text_rank) if rank]
        assert found.score == pytest.approx(sum(1 / (60 + rank) for rank in ranks))
        assert (found.ordinal, found.chunks) == (0, 1)


async def test_one_half_of_the_search_can_be_asked_alone(store: Store) -> None:
    await with_documents(store, {"pool.md": POOL, "ships.md": SHIPS, "c.md": "# C\n\nNothing."})
    asked = knowledge(store)
    by_words = await asked.search(SearchRequest(query="harbour", by="words"))
    assert [found.source for found in by_words.passages] == ["ships.md"]
    by_meaning = await asked.search(SearchRequest(query="harbour", by="meaning"))
    assert [found.vector_rank for found in by_meaning.passages] == [1, 2, 3]


async def test_the_sentence_nearest_in_meaning_shares_no_word(store: Store) -> None:
    embedder = minilm()
    text = "# Pets\n\nThe bank was closed. The kitten sleeps on the sofa.\n\nForms are blue."
    await with_documents(store, {"pets.md": text}, embedder=embedder)
    asked = knowledge(store, embedder)
    query = "where does a young cat rest"
    (found,) = (await asked.search(SearchRequest(query=query))).passages
    nearest = await asked.nearest(NearestRequest(query=query, chunk=found.chunk))
    begin, end = nearest.span
    assert found.text[begin:end] == "The kitten sleeps on the sofa."
    assert nearest.embedder == "minilm"
    assert nearest.similarity > 0.3


async def test_a_passage_that_is_not_there_has_no_sentence(store: Store) -> None:
    await with_documents(store, {"pool.md": POOL})
    (found,) = (await knowledge(store).search(SearchRequest(query="pool"))).passages
    for chunk in ("none", "01900000-0000-7000-8000-000000000000"):
        with pytest.raises(NotFound, match="there is no passage"):
            await knowledge(store).nearest(NearestRequest(query="pool", chunk=chunk))
    with pytest.raises(NotFound):
        await knowledge(store, team=OTHER_TEAM).nearest(
            NearestRequest(query="pool", chunk=found.chunk)
        )
    with pytest.raises(InvalidRequest, match="the query is empty"):
        await knowledge(store).nearest(NearestRequest(query=" ", chunk=found.chunk))


def test_sentences_are_taken_without_their_marks() -> None:
    text = "## Head\n\n- One thing. Another (see 2.1.0): yes!\n| a cell | b |\n|---|---|\n3. Third"
    found = [text[begin:end] for begin, end in sentences(text)]
    assert found == ["Head", "One thing.", "Another (see 2.1.0):", "yes!", "a cell | b |", "Third"]
    assert sentences("---\n\n1 2 3") == []


def test_one_long_word_is_marked_as_quickly_as_many_short_ones() -> None:
    text = f"an index-page {'x' * 100_000} ends"
    began = time.process_time()
    assert marked(text, spans(text, {"index-page", "ends"})) == ["index-page", "ends"]
    assert time.process_time() - began < 2
