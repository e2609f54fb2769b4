-- The event log: who may do what, streams and their heads, events in partitions, and the append.
-- Why it is built so, and what each choice costs, stands in docs/decisions; the rules are in docs/events.md.
-- Runs in schema pygent, which is first in the search path, beside the queue's own schema.

-- 1. Roles ---------------------------------------------------------------------------------------
-- Of the whole server, not of this database: another database may have made them, even just now.
-- pygent_log: writer, projector, queue, workers; every team. pygent_app: reads and forms of one team.
-- Neither bypasses row security, so that managed servers can have them: pygent_log gets policies instead.
DO $$
DECLARE
  role_name text;
BEGIN
  FOREACH role_name IN ARRAY ARRAY['pygent_log', 'pygent_app'] LOOP
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role_name) THEN
      BEGIN
        EXECUTE format('CREATE ROLE %I NOLOGIN NOSUPERUSER NOBYPASSRLS', role_name);
      EXCEPTION WHEN duplicate_object OR unique_violation THEN
        NULL;
      END;
    END IF;
    IF NOT (SELECT rolsuper FROM pg_roles WHERE rolname = current_user) THEN
      BEGIN
        EXECUTE format('GRANT %I TO CURRENT_USER', role_name);
      EXCEPTION WHEN insufficient_privilege THEN
        IF NOT pg_has_role(current_user, role_name, 'MEMBER') THEN
          RAISE;
        END IF;
      END;
    END IF;
  END LOOP;
END $$;

GRANT USAGE ON SCHEMA pygent TO pygent_log, pygent_app;
GRANT SELECT ON migration TO pygent_log, pygent_app;

-- The queue: jobs are enqueued by the append and claimed by the workers, both as pygent_log.
GRANT SELECT, INSERT, UPDATE, DELETE
  ON procrastinate_jobs, procrastinate_events, procrastinate_workers, procrastinate_periodic_defers
  TO pygent_log;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA pygent TO pygent_log;

-- 2. Epoch ---------------------------------------------------------------------------------------
CREATE TABLE epoch (
  only_row          boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  epoch             uuid NOT NULL DEFAULT gen_random_uuid(),
  system_identifier bigint NOT NULL,  -- of the database that wrote it: another one means a new epoch
  timeline          int NOT NULL,     -- a restore to a point in time, or a promotion, begins another
  rotated_at        timestamptz NOT NULL DEFAULT now()
);
GRANT SELECT ON epoch TO pygent_log, pygent_app;

-- Not pg_control_checkpoint(): that one lags behind a promotion until the next checkpoint.
CREATE FUNCTION timeline() RETURNS int LANGUAGE sql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$ SELECT ('x' || left(pg_walfile_name(pg_current_wal_insert_lsn()), 8))::bit(32)::int $$;

INSERT INTO epoch (system_identifier, timeline)
SELECT system_identifier, timeline() FROM pg_control_system();

-- The epoch of this database; a new one when the row was written by another, or on another timeline.
CREATE FUNCTION open_epoch() RETURNS uuid LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pygent, pg_temp
AS $$
DECLARE
  here bigint := (SELECT system_identifier FROM pg_control_system());
  line int := timeline();
  found_epoch uuid;
BEGIN
  SELECT e.epoch INTO found_epoch
  FROM epoch e
  WHERE e.system_identifier = here AND e.timeline = line;
  IF found_epoch IS NULL THEN
    UPDATE epoch e
    SET epoch = gen_random_uuid(), system_identifier = here, timeline = line, rotated_at = now()
    WHERE (e.system_identifier, e.timeline) IS DISTINCT FROM (here, line);
    SELECT e.epoch INTO found_epoch FROM epoch e;
  END IF;
  RETURN found_epoch;
END $$;

-- After a restore that kept identity and timeline, such as a copy of the files put back.
CREATE FUNCTION rotate_epoch() RETURNS uuid LANGUAGE sql VOLATILE SECURITY DEFINER
SET search_path = pygent, pg_temp
AS $$ UPDATE epoch SET epoch = gen_random_uuid(), rotated_at = now() RETURNING epoch $$;

REVOKE ALL ON FUNCTION open_epoch, rotate_epoch FROM PUBLIC;
GRANT EXECUTE ON FUNCTION open_epoch, rotate_epoch TO pygent_log;

-- 3. Tables --------------------------------------------------------------------------------------
CREATE SEQUENCE event_position CACHE 1;  -- cache 1: numbers are given out in the order of the lock

CREATE TABLE stream_head (  -- written by the append alone; answers GET, access and state moves
  stream_id         uuid PRIMARY KEY,            -- no other index: every update stays HOT
  kind              smallint NOT NULL,           -- 1 task, 2 agent
  team_id           int NOT NULL,
  shard             smallint NOT NULL,
  state             smallint NOT NULL DEFAULT 0, -- 0: a stream without states; 100 and above: final
  version           int NOT NULL,                -- of the last event; dense from 1
  attempt           int NOT NULL DEFAULT 0,      -- raised by attempt.started only
  seq               int NOT NULL DEFAULT 0,      -- last append accepted from that attempt
  first_position    bigint NOT NULL,             -- first and last prune partitions when it is read
  last_position     bigint NOT NULL,
  compacted_through int NOT NULL DEFAULT 0,      -- deltas up to this version may be missing
  created_at        timestamptz NOT NULL,
  updated_at        timestamptz NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

CREATE TABLE state_move (  -- what may follow what; from_state 0: the stream's first state
  kind       smallint,
  from_state smallint,
  to_state   smallint,
  PRIMARY KEY (kind, from_state, to_state)
);
INSERT INTO state_move VALUES
  -- task: 1 submitted, 2 working, 3 input-required, 4 auth-required,
  -- 100 completed, 101 failed, 102 canceled, 103 rejected
  (1, 0, 1), (1, 1, 2), (1, 2, 3), (1, 3, 2), (1, 2, 4), (1, 4, 2),
  (1, 2, 1), (1, 3, 1), (1, 4, 1),
  (1, 2, 100), (1, 2, 101), (1, 1, 102), (1, 2, 102), (1, 3, 102), (1, 4, 102), (1, 1, 103),
  -- agent: 2 active, 3 paused, 100 retired
  (2, 0, 2), (2, 2, 3), (2, 3, 2), (2, 2, 100), (2, 3, 100);

CREATE TABLE append_key (
  team_id      int NOT NULL,
  key          uuid NOT NULL,  -- of whoever may repeat the append: a person, a worker, the writer
  request_hash bytea,          -- the same key with another request is refused
  stream_id    uuid NOT NULL,
  version      int NOT NULL,
  position     bigint NOT NULL,
  created_at   timestamptz NOT NULL,
  PRIMARY KEY (team_id, key)
);
CREATE INDEX ON append_key USING brin (created_at);  -- for forgetting old ones

CREATE TABLE event (
  position  bigint NOT NULL,
  stream_id uuid NOT NULL,
  version   int NOT NULL,
  team_id   int NOT NULL,
  shard     smallint NOT NULL,
  delta     boolean NOT NULL,
  type      text NOT NULL,
  schema    smallint NOT NULL DEFAULT 1,
  time      timestamptz NOT NULL,
  actor     text NOT NULL,
  attempt   int NOT NULL,
  seq       int NOT NULL,
  head      json,                    -- what projections read; null for deltas. json, not jsonb: the
                                     -- bytes read back are those that were published
  key_id    int NOT NULL DEFAULT 0,  -- 0: the body is clear
  body      bytea
) PARTITION BY LIST (delta);
CREATE TABLE event_kept PARTITION OF event FOR VALUES IN (false) PARTITION BY RANGE (position);
CREATE TABLE event_delta PARTITION OF event FOR VALUES IN (true) PARTITION BY RANGE (position);

CREATE TABLE event_leaf (  -- which leaves have been cut, in both trees
  first  bigint PRIMARY KEY,
  past   bigint NOT NULL,
  cut_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE projection_position (
  name     text,
  shard    smallint,
  position bigint NOT NULL DEFAULT 0,
  PRIMARY KEY (name, shard)
);

-- Cuts leaves of p_size positions until p_ahead positions beyond the last one have a home; there is
-- no default partition. Answers how many were cut. A leaf is made first and attached then, because
-- CREATE TABLE ... PARTITION OF would stop every reader and writer of the log.
CREATE FUNCTION cut_partitions(p_size bigint, p_ahead bigint) RETURNS int LANGUAGE plpgsql
VOLATILE SECURITY DEFINER
SET search_path = pygent, pg_temp
AS $$
DECLARE
  needed bigint := (SELECT last_value FROM event_position) + p_ahead;
  start  bigint;
  tree   text;
  leaf   text;
  cut    int := 0;
BEGIN
  IF p_size < 1000 OR p_ahead < 1 OR p_ahead > p_size * 100 THEN
    RAISE invalid_parameter_value USING MESSAGE = 'leaves have 1000 positions or more';
  END IF;
  IF needed < (SELECT max(past) FROM event_leaf) THEN
    RETURN 0;
  END IF;
  PERFORM pg_advisory_xact_lock('event'::regclass::oid::int, 0);
  LOOP
    start := coalesce((SELECT max(past) FROM event_leaf), 0);
    EXIT WHEN needed < start;
    FOREACH tree IN ARRAY ARRAY['event_kept', 'event_delta'] LOOP
      leaf := format('%s_%s', tree, start);
      EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS)', leaf, tree);
      -- On the leaf: an index of the tree would need position and delta in it to be unique.
      EXECUTE format('CREATE UNIQUE INDEX ON %I (stream_id, version)', leaf);
      EXECUTE format('CREATE INDEX ON %I (position)', leaf);
      EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                     tree, leaf, start, start + p_size);
    END LOOP;
    INSERT INTO event_leaf (first, past) VALUES (start, start + p_size);
    cut := cut + 1;
  END LOOP;
  RETURN cut;
END $$;
SELECT cut_partitions(10000000, 10000000);
REVOKE ALL ON FUNCTION cut_partitions FROM PUBLIC;
GRANT EXECUTE ON FUNCTION cut_partitions TO pygent_log;

-- 4. The append ----------------------------------------------------------------------------------
-- One call = one autocommit statement = one batch of appends to one shard, from any streams and teams.
-- Three groups of arguments: a_ has an entry for each append, e_ one for each event, j_ one for each job.
--
--   expected  -1 any, 0 the stream must be new, n the head's version          (a decision)
--   attempt   0 = not an attempt; else seq 0 = attempt.started (raises the head's attempt),
--             seq n = the n-th append of it
--   key       null, or unique in the team: a repeat gets the old answer, with another hash it is refused
--   to_state  -1 none, else a move that state_move must allow
--   last      index of the append's last event in the e_ arrays (1-based)
--
-- Answer, an entry for each append: status, version and position of its last event (on Duplicate the
-- old ones; on WrongVersion, Fenced, Gap and InvalidTransition those of the head), stream (where key
-- found another one), old_time (where a Duplicate was found); and one time for all that was written.
--   0 ok  1 Duplicate  2 WrongVersion  3 Fenced  4 Gap (an earlier append of the attempt was refused)
--   5 InvalidTransition  6 WrongTeam  7 the key belongs to another request
--
-- Why a function and not one plain statement: under READ COMMITTED a statement's snapshot is older than
-- the lock it waits for, so that heads and keys would be read as they were before the writer it waited
-- for. In a volatile function each inner statement has a new snapshot, taken after the lock. The settings
-- make the plan independent of statistics: it is made once a session, and must never be a seq scan.
CREATE FUNCTION append(
  p_shard smallint,
  a_stream uuid[], a_team int[], a_kind smallint[], a_expected int[], a_attempt int[], a_seq int[],
  a_key uuid[], a_hash bytea[], a_to_state smallint[], a_actor text[], a_last int[],
  e_append int[], e_delta boolean[], e_type text[], e_head text[], e_key_id int[], e_body bytea[],
  j_append int[], j_queue text[], j_task text[], j_lock text[], j_args text[],
  OUT status smallint[], OUT version int[], OUT "position" bigint[], OUT stream uuid[],
  OUT old_time timestamptz[], OUT written_at timestamptz)
LANGUAGE plpgsql VOLATILE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_memoize = off
AS $$
#variable_conflict use_column
DECLARE
  positions bigint[];     -- of each event of the batch
  turn      int[];        -- appends of this round; null: all of them
  waiting   int[];        -- appends with an earlier one of the same stream or key in this round
  judged    record;
BEGIN
  PERFORM pg_advisory_xact_lock('stream_head'::regclass::oid::int, p_shard);  -- until the commit
  written_at := clock_timestamp();
  positions := array(
    SELECT nextval('event_position') FROM generate_series(1, cardinality(e_append)));

  LOOP
    IF cardinality(a_stream) > 1 THEN
      SELECT array_agg(u.i::int) INTO waiting
      FROM (
        SELECT i,
               row_number() OVER (PARTITION BY s ORDER BY i) AS by_stream,
               row_number() OVER (PARTITION BY coalesce(k, s) ORDER BY i) AS by_key
        FROM unnest(a_stream, a_key) WITH ORDINALITY AS b (s, k, i)
        WHERE turn IS NULL OR i = ANY (turn)
      ) AS u
      WHERE u.by_stream > 1 OR u.by_key > 1;
    END IF;

    WITH judged AS MATERIALIZED (
      SELECT a.*, h.version AS head_version, positions[a.last] AS last_position,
             a.last - coalesce(a_last[a.i - 1], 0) AS events,
        CASE
          WHEN h.team_id <> a.team_id THEN 6
          WHEN k.key IS NOT NULL AND k.request_hash IS DISTINCT FROM a.hash THEN 7
          WHEN k.key IS NOT NULL THEN 1
          WHEN a.attempt > 0 AND a.seq = 0 AND a.attempt IS DISTINCT FROM h.attempt + 1 THEN 3
          WHEN a.attempt > 0 AND a.seq > 0 AND a.attempt IS DISTINCT FROM h.attempt THEN 3
          WHEN a.attempt > 0 AND a.seq > 0 AND a.seq <= h.seq THEN 1
          WHEN a.attempt > 0 AND a.seq > 0 AND a.seq > h.seq + 1 THEN 4
          WHEN a.attempt > 0 AND a.to_state < 0 AND h.state >= 100 THEN 3  -- the task is over
          WHEN a.expected >= 0 AND a.expected <> coalesce(h.version, 0) THEN 2
          WHEN a.to_state >= 0 AND NOT EXISTS (
            SELECT FROM state_move m
            WHERE m.kind = coalesce(h.kind, a.kind) AND m.from_state = coalesce(h.state, 0)
              AND m.to_state = a.to_state) THEN 5
          ELSE 0
        END::smallint AS status,
        coalesce(k.version, h.version) AS old_version,
        coalesce(k.position, h.last_position) AS old_position,
        k.stream_id AS old_stream, k.created_at AS old_time
      FROM unnest(a_stream, a_team, a_kind, a_expected, a_attempt, a_seq, a_key, a_hash, a_to_state,
                  a_last)
           WITH ORDINALITY AS a (stream_id, team_id, kind, expected, attempt, seq, key, hash,
                                 to_state, last, i)
      -- LIMIT 1: looked up one by one; else tables that were small when this was planned are scanned.
      LEFT JOIN LATERAL (
        SELECT * FROM stream_head h WHERE h.stream_id = a.stream_id LIMIT 1) AS h ON true
      LEFT JOIN LATERAL (
        SELECT * FROM append_key k WHERE k.team_id = a.team_id AND k.key = a.key LIMIT 1) AS k ON true
      WHERE (turn IS NULL OR a.i = ANY (turn)) AND (waiting IS NULL OR a.i <> ALL (waiting))
    ), moved AS (  -- not UPDATE ... FROM: planned while heads are few, it scans them all for good
      INSERT INTO stream_head AS h
        (stream_id, kind, team_id, shard, state, version, attempt, seq, first_position, last_position,
         created_at, updated_at)
      SELECT stream_id, kind, team_id, p_shard, greatest(to_state, 0),
             coalesce(head_version, 0) + events, attempt, seq, last_position - events + 1,
             last_position, written_at, written_at
      FROM judged WHERE status = 0
      ON CONFLICT (stream_id) DO UPDATE
      SET version = excluded.version, last_position = excluded.last_position,
          updated_at = excluded.updated_at,
          state = CASE WHEN excluded.state > 0 THEN excluded.state ELSE h.state END,
          attempt = CASE WHEN excluded.attempt > 0 THEN excluded.attempt ELSE h.attempt END,
          seq = CASE WHEN excluded.attempt > 0 THEN excluded.seq ELSE h.seq END
    ), remembered AS (
      INSERT INTO append_key (team_id, key, request_hash, stream_id, version, position, created_at)
      SELECT team_id, key, hash, stream_id, coalesce(head_version, 0) + events, last_position,
             written_at
      FROM judged WHERE status = 0 AND key IS NOT NULL
    )
    SELECT array_agg(i::int ORDER BY i) AS i,
           array_agg(status ORDER BY i) AS status,
           array_agg(CASE status WHEN 0 THEN coalesce(head_version, 0) + events WHEN 6 THEN 0
                     ELSE coalesce(old_version, 0) END ORDER BY i) AS version,
           array_agg(CASE status WHEN 0 THEN last_position WHEN 6 THEN 0
                     ELSE coalesce(old_position, 0) END ORDER BY i) AS position,
           CASE WHEN bool_or(old_stream IS NOT NULL) THEN array_agg(old_stream ORDER BY i) END
             AS stream,
           CASE WHEN bool_or(old_time IS NOT NULL) THEN array_agg(old_time ORDER BY i) END AS old_time
    INTO judged FROM judged;

    IF turn IS NULL AND waiting IS NULL THEN  -- the usual case: one append a stream
      status := judged.status; version := judged.version; position := judged.position;
      stream := judged.stream; old_time := judged.old_time;
    ELSE
      FOR n IN 1 .. cardinality(judged.i) LOOP
        status[judged.i[n]] := judged.status[n];
        version[judged.i[n]] := judged.version[n];
        position[judged.i[n]] := judged.position[n];
        stream[judged.i[n]] := judged.stream[n];
        old_time[judged.i[n]] := judged.old_time[n];
      END LOOP;
    END IF;
    EXIT WHEN waiting IS NULL;
    turn := waiting;
  END LOOP;

  INSERT INTO event (position, stream_id, version, team_id, shard, delta, type, time, actor, attempt,
                     seq, head, key_id, body)
  SELECT positions[e.i], a_stream[e.append], version[e.append] - (a_last[e.append] - e.i::int),
         a_team[e.append], p_shard, e.delta, e.type, written_at, a_actor[e.append],
         a_attempt[e.append], a_seq[e.append], e.head::json, e.key_id, e.body
  FROM unnest(e_append, e_delta, e_type, e_head, e_key_id, e_body)
       WITH ORDINALITY AS e (append, delta, type, head, key_id, body, i)
  WHERE status[e.append] = 0;

  IF 1 = ANY (status) THEN  -- rare: the old answer of a repeated seq
    FOR n IN 1 .. cardinality(status) LOOP
      IF status[n] = 1 AND a_attempt[n] > 0 AND a_seq[n] > 0 AND stream[n] IS NULL THEN
        SELECT max(e.version) AS version, max(e.position) AS position, max(e.time) AS time
        INTO judged
        FROM event e, stream_head h
        WHERE h.stream_id = a_stream[n] AND e.stream_id = h.stream_id
          AND e.attempt = a_attempt[n] AND e.seq = a_seq[n]
          AND e.position BETWEEN h.first_position AND h.last_position;
        version[n] := judged.version; position[n] := judged.position; old_time[n] := judged.time;
      END IF;
    END LOOP;
  END IF;

  IF cardinality(j_append) > 0 THEN  -- the queue's own function; it also wakes the workers
    PERFORM procrastinate_defer_jobs_v1(
      array_agg(row(j.queue, j.task, 0, j.lock, null, j.args::jsonb, null)
                ::procrastinate_job_to_defer_v1))
    FROM unnest(j_append, j_queue, j_task, j_lock, j_args) AS j (append, queue, task, lock, args)
    WHERE status[j.append] = 0;
  END IF;
END $$;
REVOKE ALL ON FUNCTION append FROM PUBLIC;
GRANT EXECUTE ON FUNCTION append TO pygent_log;

-- What a follower reads: kept events of a shard after a position, in order. Its plan is pinned, because
-- statistics of a newly cut leaf are of an empty one.
CREATE FUNCTION follow(p_shard smallint, p_after bigint, p_limit int)
RETURNS TABLE ("position" bigint, stream_id text, team_id int, version int, type text,
               "time" timestamptz, actor text, attempt int, head bytea)
LANGUAGE plpgsql STABLE
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_sort = off
AS $$
BEGIN
  RETURN QUERY
  SELECT e.position, e.stream_id::text, e.team_id, e.version, e.type, e.time, e.actor, e.attempt,
         convert_to(e.head::text, 'UTF8')
  FROM event_kept e
  WHERE e.position > p_after AND e.shard = p_shard
  ORDER BY e.position
  LIMIT p_limit;
END $$;
REVOKE ALL ON FUNCTION follow FROM PUBLIC;
GRANT EXECUTE ON FUNCTION follow TO pygent_log;

-- 5. Rights --------------------------------------------------------------------------------------
-- pygent_app never writes the log. set_config('pygent.team', ..., true) goes first in each of its
-- transactions; without it nothing is seen. Policies stand on the parents; partitions get no grants, so
-- that nobody reads around them. pygent_log may delete deltas (compaction) and keys, never kept events.
GRANT SELECT, INSERT, UPDATE ON stream_head TO pygent_log;
GRANT SELECT, INSERT, UPDATE, DELETE ON append_key, projection_position TO pygent_log;
GRANT SELECT, INSERT ON event TO pygent_log;
GRANT SELECT ON event_kept TO pygent_log;
GRANT SELECT, DELETE ON event_delta TO pygent_log;
GRANT SELECT ON state_move TO pygent_log, pygent_app;
GRANT SELECT ON event_leaf TO pygent_log;
GRANT USAGE, SELECT ON SEQUENCE event_position TO pygent_log;
GRANT SELECT ON stream_head, event, projection_position TO pygent_app;

CREATE FUNCTION current_team() RETURNS int LANGUAGE sql STABLE PARALLEL SAFE
RETURN nullif(current_setting('pygent.team', true), '')::int;

ALTER TABLE stream_head ENABLE ROW LEVEL SECURITY;
ALTER TABLE stream_head FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON stream_head TO pygent_app USING (team_id = (SELECT current_team()));
CREATE POLICY log ON stream_head TO pygent_log USING (true) WITH CHECK (true);
ALTER TABLE event ENABLE ROW LEVEL SECURITY;
ALTER TABLE event FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON event TO pygent_app USING (team_id = (SELECT current_team()));
CREATE POLICY log ON event TO pygent_log USING (true) WITH CHECK (true);
