-- How far the workers are with a document, seen while they work; and a search that says its ranks.

-- 1. Progress ----------------------------------------------------------------------------------------------------------

ALTER TABLE document
  ADD COLUMN stage      text NOT NULL DEFAULT 'queued'  -- while the state is `queued`
             CHECK (stage IN ('queued', 'reading', 'cutting', 'embedding')),
  ADD COLUMN embedded   int NOT NULL DEFAULT 0,         -- passages that have their vectors
  ADD COLUMN to_embed   int NOT NULL DEFAULT 0,         -- passages in all; 0: not known yet
  ADD COLUMN changed_at timestamptz NOT NULL DEFAULT now(),  -- of its content
  ADD COLUMN version    int NOT NULL DEFAULT 1,         -- of the row: of two that were read, the newer has more
  SET (fillfactor = 80);                                -- progress is a few small updates of the same row
UPDATE document SET changed_at = created_at;

-- Few, whatever there is else: counted beside each collection, and listed to be tried again.
CREATE INDEX document_unfinished ON document (collection_id, state, id DESC) WHERE state <> 'ready';

CREATE FUNCTION document_moves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.version := OLD.version + 1;
  IF NEW.sha256 <> OLD.sha256 THEN
    NEW.changed_at := clock_timestamp();
  END IF;
  IF NEW.state <> OLD.state OR NEW.sha256 <> OLD.sha256 THEN
    NEW.stage := 'queued';
    NEW.embedded := 0;
    NEW.to_embed := 0;
  END IF;
  RETURN NEW;
END $$;

CREATE TRIGGER document_moves BEFORE UPDATE ON document FOR EACH ROW EXECUTE FUNCTION document_moves();

-- 2. Search, with the rank in each of its halves and the passage's place in its document --------------------------------

DROP FUNCTION search_passages(text, halfvec, text, uuid[], int);

-- `p_by`: fused; meaning or words: the passages of that half alone, in its order.
CREATE FUNCTION search_passages(
  p_query text, p_vector halfvec, p_embedder text, p_collections uuid[], p_limit int, p_by text DEFAULT 'fused'
) RETURNS TABLE (
  chunk uuid, document uuid, collection text, title text, source text, location text, text text,
  score double precision, vector_score double precision, text_score real,
  vector_rank bigint, text_rank bigint, ordinal int, chunks int, changed_at timestamptz)
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pg_catalog, pygent, public, pg_temp
AS $$
#variable_conflict use_column
DECLARE
  team int := current_team();                     -- null: nothing is found
  wanted int := least(greatest(p_limit, 1), 50);
  searched uuid[];
  passages bigint;
  by_index boolean;
BEGIN
  SELECT coalesce(array_agg(c.id), '{}'), coalesce(sum(c.chunks), 0) INTO searched, passages
  FROM collection AS c
  WHERE c.team_id = team AND (p_collections IS NULL OR c.id = ANY (p_collections));
  -- Filtering what the index finds pays off from 3,000 rows on, and while they are not a small part of all.
  SELECT passages > 3000 AND (passages > 20000 OR passages > 0.01 * r.reltuples) INTO by_index
  FROM pg_class AS r
  WHERE r.oid = 'embedding_384'::regclass;

  RETURN QUERY
  WITH near AS (
    SELECT n.chunk_id, n.similarity FROM nearest_by_index(team, searched, p_embedder, p_vector, 50) AS n
    WHERE by_index
    UNION ALL
    SELECT n.chunk_id, n.similarity FROM nearest_of_all(team, searched, p_embedder, p_vector, 50) AS n
    WHERE NOT by_index
  ), by_meaning AS (
    SELECT chunk_id, similarity, row_number() OVER (ORDER BY similarity DESC, chunk_id) AS place FROM near
  ), by_words AS (
    SELECT chunk_id, rank, row_number() OVER (ORDER BY tier, rank DESC, chunk_id) AS place
    FROM matching(team, searched, p_query, wanted, 50)
  ), fused AS (
    SELECT coalesce(m.chunk_id, w.chunk_id) AS chunk_id, m.similarity, w.rank, m.place AS nearness, w.place AS wordiness,
           coalesce(1.0 / (60 + m.place), 0) + coalesce(1.0 / (60 + w.place), 0) AS score
    FROM by_meaning AS m FULL JOIN by_words AS w ON w.chunk_id = m.chunk_id
  ), chosen AS (
    SELECT *, CASE p_by WHEN 'meaning' THEN f.nearness WHEN 'words' THEN f.wordiness ELSE 0 END AS first
    FROM fused AS f
    WHERE p_by NOT IN ('meaning', 'words') OR (p_by = 'meaning' AND f.nearness IS NOT NULL)
      OR (p_by = 'words' AND f.wordiness IS NOT NULL)
    ORDER BY first, score DESC, f.similarity DESC NULLS LAST, f.chunk_id
    LIMIT wanted
  )
  SELECT c.id, c.document_id, l.name::text, c.title, d.source, c.location, c.text,
         f.score::double precision, f.similarity, f.rank, f.nearness, f.wordiness, c.ordinal, d.chunks, d.changed_at
  FROM chosen AS f
  JOIN chunk AS c ON c.id = f.chunk_id
  JOIN document AS d ON d.id = c.document_id
  JOIN collection AS l ON l.id = c.collection_id
  ORDER BY f.first, f.score DESC, f.similarity DESC NULLS LAST, c.id;
END $$;

REVOKE ALL ON FUNCTION search_passages FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_passages TO pygent_app;
