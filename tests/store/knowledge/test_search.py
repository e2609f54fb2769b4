"""Passages are found by meaning and by words, in what the team may see and nowhere else."""

from uuid import UUID

import numpy as np
import pytest
from pgvector import HalfVector
from pgvector.psycopg import register_vector_async
from psycopg import AsyncConnection

from protocols.errors import InvalidRequest, NotFound
from protocols.knowledge import SearchRequest
from protocols.principals import Role
from store.connect import Store
from store.knowledge.embedder import Vectors
from store.knowledge.embedders.hashing import Hashing
from tests.store.knowledge.people import knowledge, minilm, search, with_documents, work
from tests.store.people import OTHER_TEAM, TEAM

PETS = "# Pets\n\nThe kitten sleeps on the sofa all afternoon.\n\n## Dogs\n\nA puppy runs."
MONEY = "# Money\n\nInterest rates were raised by the central bank, form QX-4711."


async def test_a_passage_is_found_by_meaning_without_a_shared_word(store: Store) -> None:
    embedder = minilm()
    await with_documents(store, {"pets.md": PETS, "money.md": MONEY}, embedder=embedder)
    found = await search(knowledge(store, embedder), "where does a young cat rest")
    assert found[0].text == "The kitten sleeps on the sofa all afternoon."
    assert found[0].text_score is None
    assert found[0].vector_score is not None
    assert found[0].vector_score > 0.3


async def test_a_passage_is_found_by_a_word_that_means_nothing(store: Store) -> None:
    embedder = minilm()
    await with_documents(store, {"pets.md": PETS, "money.md": MONEY}, embedder=embedder)
    (found, *_) = await search(knowledge(store, embedder), "QX-4711")
    assert (found.source, found.location) == ("money.md", "Money")
    assert found.text_score is not None


async def test_words_are_found_by_their_stems_and_in_headings(store: Store) -> None:
    await with_documents(store, {"pets.md": PETS, "money.md": MONEY})
    stemmed = await search(knowledge(store), "raising an interest rate")
    assert stemmed[0].text_score is not None
    assert stemmed[0].source == "money.md"
    headed = await search(knowledge(store), "dog")
    assert (headed[0].location, headed[0].text) == ("Pets \u203a Dogs", "A puppy runs.")


async def test_any_of_the_words_is_enough_where_no_passage_has_all(store: Store) -> None:
    await with_documents(store, {"pets.md": PETS, "money.md": MONEY})
    found = await search(knowledge(store), "did the parliament raise the interest")
    assert found[0].source == "money.md"
    assert found[0].text_score is not None


async def test_a_search_is_within_the_named_collections(store: Store) -> None:
    await with_documents(store, {"a.md": "# A\n\nThe harbour is closed."}, collection="first")
    await with_documents(store, {"b.md": "# B\n\nThe harbour is open."}, collection="second")
    asked = knowledge(store)
    assert {found.source for found in await search(asked, "harbour")} == {"a.md", "b.md"}
    assert {found.source for found in await search(asked, "harbour", "second")} == {"b.md"}
    with pytest.raises(NotFound, match="there is no collection 'third'"):
        await search(asked, "harbour", "second", "third")


async def test_another_teams_passages_are_never_found(store: Store) -> None:
    await with_documents(store, {"ours.md": "# Ours\n\nThe harbour is closed."})
    await with_documents(store, {"theirs.md": "# Theirs\n\nThe harbour is open."}, team=OTHER_TEAM)
    ours, theirs = knowledge(store), knowledge(store, team=OTHER_TEAM)
    assert [found.source for found in await search(ours, "harbour")] == ["ours.md"]
    assert [found.source for found in await search(theirs, "harbour", "docs")] == ["theirs.md"]


async def test_the_search_function_finds_nothing_without_a_team_or_in_anothers_collection(
    store: Store,
) -> None:
    await with_documents(store, {"theirs.md": "# Theirs\n\nThe harbour."}, team=OTHER_TEAM)
    theirs = (await knowledge(store, team=OTHER_TEAM).get("docs")).id
    vector = (await Hashing().embed_query("harbour")).tolist()
    statement = (
        "SELECT count(*) FROM search_passages('harbour', %s::float8[]::halfvec, 'hashing', %s, 10)"
    )
    for setting in (str(TEAM), ""):
        for collections in ([theirs], None):
            async with store.app.team(TEAM) as connection:
                await connection.execute("SELECT set_config('pygent.team', %s, true)", (setting,))
                cursor = await connection.execute(statement, (vector, collections))
                assert await cursor.fetchone() == (0,)


async def test_vectors_of_another_embedder_are_not_compared(store: Store) -> None:
    await with_documents(store, {"pets.md": PETS})
    answer = await knowledge(store, minilm()).search(SearchRequest(query="puppy"))
    assert answer.embedder == "minilm"
    assert [(found.text, found.vector_score) for found in answer.passages] == [
        ("A puppy runs.", None)
    ]
    await work(store, minilm())
    assert (await knowledge(store).get("docs")).embedder == "minilm"
    (found, *_) = await search(knowledge(store, minilm()), "puppy")
    assert found.vector_score is not None


@pytest.mark.parametrize("query", ["' OR 1=1 --", "a & | ! ( :*", "\\", "ü" * 2000, "!"])
async def test_any_query_is_only_words(store: Store, query: str) -> None:
    await with_documents(store, {"pets.md": PETS})
    assert len(await search(knowledge(store, role=Role.VIEWER), query)) <= 3


async def test_a_query_of_nothing_is_refused(store: Store) -> None:
    with pytest.raises(InvalidRequest, match="the query is empty"):
        await search(knowledge(store), " \0 ")


async def test_the_index_finds_what_comparing_all_finds_behind_a_filter(store: Store) -> None:
    """3,100 of 4,100 vectors are searched: too many to compare, so the index is taken."""
    rng = np.random.default_rng(4)
    latent = rng.normal(size=(4100, 24)) @ rng.normal(size=(24, 384))
    vectors = (latent / np.linalg.norm(latent, axis=1, keepdims=True)).astype(np.float32)
    await fill(store, vectors)

    searched = np.flatnonzero(np.arange(4100) % 4)
    found = 0
    for query in vectors[rng.choice(4100, 20)] + rng.normal(scale=0.01, size=(20, 384)):
        near = await nearest(store, query, UUID(int=1))
        scores = [score for _, score in near]
        assert scores == sorted(scores, reverse=True)
        best = searched[np.argsort(-(vectors[searched] @ query))[:10]]
        found += len({number for number, _ in near} & set(best.tolist()))
    assert found >= 0.95 * 200


async def fill(store: Store, vectors: Vectors) -> None:
    """Passages with these vectors; each fourth is in collection 0, the others in 1."""
    ids = [(UUID(int=i), UUID(int=min(i % 4, 1))) for i in range(len(vectors))]
    async with await AsyncConnection.connect(store.addresses.database) as owner:
        await owner.execute("SET search_path = pygent, public")
        await owner.execute("DROP INDEX embedding_384_near")  # built at once it takes a tenth
        await register_vector_async(owner)
        await owner.execute(_FILL, {"count": len(vectors)})
        rows = [(*keys, HalfVector(vector)) for keys, vector in zip(ids, vectors, strict=True)]
        async with owner.cursor() as cursor:
            await cursor.executemany(_FILL_VECTOR, rows)
        await owner.execute(_INDEX)
        await owner.execute("ANALYZE embedding_384")


async def nearest(store: Store, query: Vectors, collection: UUID) -> list[tuple[int, float]]:
    """Numbers of the ten nearest vectors, by the index."""
    async with store.app.team(TEAM) as connection:
        cursor = await connection.execute(_NEAREST, {"vector": query.tolist(), "in": [collection]})
        rows = [(chunk.int, score) for chunk, score in await cursor.fetchall()]
        cursor = await connection.execute(
            "SELECT pg_stat_get_xact_numscans('embedding_384_near'::regclass)"
        )
        assert (await cursor.fetchone() or (0,))[0] > 0
    assert all(min(number % 4, 1) == collection.int for number, _ in rows)
    return rows


_FILL = b"""
    WITH filled AS (
      INSERT INTO collection (id, team_id, name, description, embedder)
      SELECT lpad(i::text, 32, '0')::uuid, 1, 'many-' || i, '', 'test'
      FROM generate_series(0, 1) AS i
    ), stored AS (
      INSERT INTO blob (team_id, sha256, content) VALUES (1, '', '')
    ), documents AS (
      INSERT INTO document
        (id, team_id, collection_id, identity, title, is_titled, source, media_type, bytes, sha256,
         state, chunks)
      SELECT lpad(i::text, 32, '0')::uuid, 1, lpad(i::text, 32, '0')::uuid, '', '', true, '', '', 0,
             '', 'ready', %(count)s * (1 + 2 * i) / 4
      FROM generate_series(0, 1) AS i
    )
    INSERT INTO chunk (id, team_id, collection_id, document_id, ordinal, title, location, text)
    SELECT lpad(to_hex(i), 32, '0')::uuid, 1, lpad(least(i %% 4, 1)::text, 32, '0')::uuid,
           lpad(least(i %% 4, 1)::text, 32, '0')::uuid, i, '', '', ''
    FROM generate_series(0, %(count)s - 1) AS i
"""

_INDEX = """
    CREATE INDEX embedding_384_near ON embedding_384
    USING hnsw (vector halfvec_ip_ops) WITH (m = 16, ef_construction = 64)
"""

_FILL_VECTOR = """
    INSERT INTO embedding_384 (chunk_id, team_id, collection_id, embedder, vector)
    VALUES (%s, 1, %s, 'test', %b)
"""

_NEAREST = """
    SELECT chunk, vector_score
    FROM search_passages('', %(vector)s::float8[]::halfvec, 'test', %(in)s, 10)
"""
