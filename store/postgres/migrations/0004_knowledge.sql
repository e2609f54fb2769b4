-- Knowledge: collections of documents, their bytes, and the passages they are found by.
-- Locks are taken in one order everywhere: document, then collection (by the trigger of section 2).

-- 1. Tables ------------------------------------------------------------------------------------------------------------

CREATE TABLE collection (
  id          uuid PRIMARY KEY,
  team_id     int NOT NULL,
  name        text NOT NULL COLLATE "C",
  description text NOT NULL,
  embedder    text NOT NULL,                      -- that made its newest vectors; each vector names its own
  documents   int NOT NULL DEFAULT 0,             -- both kept by the trigger: a search chooses its plan by them
  chunks      int NOT NULL DEFAULT 0,
  created_at  timestamptz NOT NULL DEFAULT now(),
  UNIQUE (team_id, name)
) WITH (fillfactor = 70);

CREATE TABLE blob (                               -- what was ingested, once for each content and team
  team_id   int NOT NULL,
  sha256    bytea NOT NULL,
  content   bytea NOT NULL,
  stored_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (team_id, sha256)
);

CREATE TABLE document (
  id            uuid PRIMARY KEY,                 -- UUIDv7: newest first is id descending
  team_id       int NOT NULL,
  collection_id uuid NOT NULL REFERENCES collection ON DELETE CASCADE,
  identity      bytea NOT NULL,                   -- SHA-256 of the source, or of the content where no source is named
  title         text NOT NULL,
  is_titled     boolean NOT NULL,                 -- by whoever added it; else by its first heading
  source        text NOT NULL,
  media_type    text NOT NULL,
  bytes         int NOT NULL,
  sha256        bytea NOT NULL,
  state         text NOT NULL CHECK (state IN ('queued', 'ready', 'failed')),
  reason        text,                             -- why it failed
  chunks        int NOT NULL DEFAULT 0,
  embedder      text,                             -- that made its vectors
  created_at    timestamptz NOT NULL DEFAULT now(),
  UNIQUE (collection_id, identity),
  FOREIGN KEY (team_id, sha256) REFERENCES blob
);
CREATE INDEX document_newest ON document (collection_id, id DESC);
CREATE INDEX document_blob ON document (team_id, sha256);

-- English stems: `resuming` finds `resume`, which the answers of agents depend on. Words of other languages pass
-- through it unharmed, alike in passages and in questions; a language for each collection would be another column.
CREATE TABLE chunk (
  id            uuid PRIMARY KEY,                 -- derived from document, content and ordinal
  team_id       int NOT NULL,
  collection_id uuid NOT NULL,
  document_id   uuid NOT NULL REFERENCES document ON DELETE CASCADE,
  ordinal       int NOT NULL,
  title         text NOT NULL,                    -- the document's: its words count for each of its passages
  location      text NOT NULL,
  text          text NOT NULL,
  words         tsvector NOT NULL GENERATED ALWAYS AS (
                  setweight(to_tsvector('english', location), 'A')
                  || setweight(to_tsvector('english', text), 'B')
                  || setweight(to_tsvector('english', title), 'C')) STORED
);
CREATE INDEX chunk_document ON chunk (document_id, ordinal);
CREATE INDEX chunk_words ON chunk USING gin (words);

-- A table for each length of vectors, apart from the text: changing a text leaves the HNSW index alone.
CREATE TABLE embedding_384 (
  chunk_id      uuid PRIMARY KEY REFERENCES chunk ON DELETE CASCADE,
  team_id       int NOT NULL,
  collection_id uuid NOT NULL,
  embedder      text NOT NULL,
  vector        halfvec(384) STORAGE PLAIN NOT NULL  -- of unit length: inner product is cosine, and cheaper
);
CREATE INDEX embedding_384_collection ON embedding_384 (collection_id);
CREATE INDEX embedding_384_near ON embedding_384 USING hnsw (vector halfvec_ip_ops) WITH (m = 16, ef_construction = 64);

-- 2. Counts, and contents that nobody needs any more -------------------------------------------------------------------

CREATE FUNCTION document_changed() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  more_documents int := (TG_OP = 'INSERT')::int - (TG_OP = 'DELETE')::int;
  more_chunks int := CASE WHEN TG_OP = 'DELETE' THEN 0 ELSE NEW.chunks END
                   - CASE WHEN TG_OP = 'INSERT' THEN 0 ELSE OLD.chunks END;
BEGIN
  IF more_documents <> 0 OR more_chunks <> 0 THEN
    UPDATE collection
    SET documents = documents + more_documents, chunks = chunks + more_chunks
    WHERE id = coalesce(NEW.collection_id, OLD.collection_id);
  END IF;
  IF TG_OP = 'DELETE' OR (TG_OP = 'UPDATE' AND NEW.sha256 <> OLD.sha256) THEN
    BEGIN
      DELETE FROM blob AS b
      WHERE b.team_id = OLD.team_id AND b.sha256 = OLD.sha256
        AND NOT EXISTS (SELECT FROM document d WHERE d.team_id = OLD.team_id AND d.sha256 = OLD.sha256);
    EXCEPTION WHEN foreign_key_violation THEN
      NULL;  -- the same content was added just now
    END;
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER document_changed AFTER INSERT OR DELETE OR UPDATE OF chunks, sha256 ON document
FOR EACH ROW EXECUTE FUNCTION document_changed();

-- 3. Who may do what ---------------------------------------------------------------------------------------------------

GRANT SELECT, INSERT, UPDATE, DELETE ON collection, blob, document TO pygent_app;
GRANT SELECT, INSERT, UPDATE, DELETE ON collection, blob, document, chunk, embedding_384 TO pygent_log;
GRANT SELECT ON chunk TO pygent_app;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['collection', 'blob', 'document', 'chunk', 'embedding_384'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY team ON %I TO pygent_app USING (team_id = (SELECT current_team()))', name);
    EXECUTE format('CREATE POLICY whole ON %I TO pygent_log, CURRENT_USER USING (true) WITH CHECK (true)', name);
  END LOOP;
END $$;

-- 4. A document's job, in the transaction that stores it ---------------------------------------------------------------

CREATE FUNCTION enqueue_ingest(p_document uuid) RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pygent, pg_temp
AS $$
DECLARE
  team int := current_team();
BEGIN
  IF NOT EXISTS (SELECT FROM document d WHERE d.id = p_document AND d.team_id = team) THEN
    RAISE no_data_found;
  END IF;
  PERFORM procrastinate_defer_jobs_v1(ARRAY[(
    'ingest', 'ingest', 0, 'document:' || p_document, NULL,
    jsonb_build_object('document', p_document, 'team', team), NULL
  )::procrastinate_job_to_defer_v1]);
END $$;

REVOKE ALL ON FUNCTION enqueue_ingest FROM PUBLIC;
GRANT EXECUTE ON FUNCTION enqueue_ingest TO pygent_app;

-- 5. Search ------------------------------------------------------------------------------------------------------------
-- Behind a policy neither index works as it should: @@ is not leakproof, and HNSW returns too few rows. So one function of
-- the owner, which takes the team from the setting and from nowhere else. The three it stands on are not for others.

-- Every vector of the collections, compared. `+ 0` keeps the planner from the HNSW index.
CREATE FUNCTION nearest_of_all(p_team int, p_collections uuid[], p_embedder text, p_vector halfvec, p_limit int)
RETURNS TABLE (chunk_id uuid, similarity double precision)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pygent, public, pg_temp
SET plan_cache_mode = force_custom_plan
AS $$
BEGIN
  RETURN QUERY
  SELECT e.chunk_id, -(e.vector <#> p_vector)
  FROM embedding_384 AS e
  WHERE e.collection_id = ANY (p_collections) AND e.team_id = p_team AND e.embedder = p_embedder
  ORDER BY (e.vector <#> p_vector) + 0, e.chunk_id
  LIMIT p_limit;
END $$;

-- By the index, which goes on until enough rows pass the filter, or 20,000 were seen. Relaxed order is faster and finds
-- more; hence the second sort. Without sorting and scanning, the index is the only way to order: so it is taken.
CREATE FUNCTION nearest_by_index(p_team int, p_collections uuid[], p_embedder text, p_vector halfvec, p_limit int)
RETURNS TABLE (chunk_id uuid, similarity double precision)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pygent, public, pg_temp
SET hnsw.iterative_scan = relaxed_order
SET hnsw.ef_search = 100
SET enable_sort = off
SET enable_seqscan = off
AS $$
BEGIN
  RETURN QUERY
  WITH near AS MATERIALIZED (
    SELECT e.chunk_id AS passage, e.vector <#> p_vector AS distance
    FROM embedding_384 AS e
    WHERE e.collection_id = ANY (p_collections) AND e.team_id = p_team AND e.embedder = p_embedder
    ORDER BY e.vector <#> p_vector
    LIMIT p_limit)
  SELECT passage, -distance FROM near ORDER BY distance, passage;
END $$;

-- Passages with all the words first; while they are fewer than wanted, those with any of them. At most 1,000 are ranked
-- of each: ranking reads every row.
CREATE FUNCTION matching(p_team int, p_collections uuid[], p_query text, p_wanted int, p_limit int)
RETURNS TABLE (chunk_id uuid, rank real, tier int)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pygent, pg_temp
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
  all_words tsquery := websearch_to_tsquery('english', p_query);
  any_word tsquery := replace(plainto_tsquery('english', p_query)::text, ' & ', ' | ')::tsquery;
  have_all int;
BEGIN
  IF numnode(all_words) = 0 THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT m.id, ts_rank(m.words, all_words), 1
  FROM (
    SELECT c.id, c.words FROM chunk AS c
    WHERE c.words @@ all_words AND c.team_id = p_team AND c.collection_id = ANY (p_collections)
    LIMIT 1000) AS m
  ORDER BY 2 DESC, 1
  LIMIT p_limit;
  GET DIAGNOSTICS have_all = ROW_COUNT;
  IF have_all >= p_wanted OR numnode(any_word) = 1 THEN
    RETURN;
  END IF;
  RETURN QUERY
  SELECT m.id, ts_rank(m.words, any_word), 2
  FROM (
    SELECT c.id, c.words FROM chunk AS c
    WHERE c.words @@ any_word AND c.team_id = p_team AND c.collection_id = ANY (p_collections)
      AND NOT c.words @@ all_words
    LIMIT 1000) AS m
  ORDER BY 2 DESC, 1
  LIMIT p_limit - have_all;
END $$;

-- Source of the fusion: Cormack, Clarke, Buettcher, Reciprocal Rank Fusion, 2009; k = 60.
CREATE FUNCTION search_passages(
  p_query text, p_vector halfvec, p_embedder text, p_collections uuid[], p_limit int
) RETURNS TABLE (
  chunk uuid, document uuid, collection text, title text, source text, location text, text text,
  score double precision, vector_score double precision, text_score real)
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
    SELECT coalesce(m.chunk_id, w.chunk_id) AS chunk_id, m.similarity, w.rank,
           coalesce(1.0 / (60 + m.place), 0) + coalesce(1.0 / (60 + w.place), 0) AS score
    FROM by_meaning AS m FULL JOIN by_words AS w ON w.chunk_id = m.chunk_id
    ORDER BY score DESC, m.similarity DESC NULLS LAST, 1
    LIMIT wanted
  )
  SELECT c.id, c.document_id, l.name::text, c.title, d.source, c.location, c.text,
         f.score::double precision, f.similarity, f.rank
  FROM fused AS f
  JOIN chunk AS c ON c.id = f.chunk_id
  JOIN document AS d ON d.id = c.document_id
  JOIN collection AS l ON l.id = c.collection_id
  ORDER BY f.score DESC, f.similarity DESC NULLS LAST, c.id;
END $$;

REVOKE ALL ON FUNCTION nearest_of_all, nearest_by_index, matching, search_passages FROM PUBLIC;
GRANT EXECUTE ON FUNCTION search_passages TO pygent_app;
