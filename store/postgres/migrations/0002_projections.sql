-- What lists, counters and the overview read: tables folded from the log, each by the projection named above it.
-- Written by pygent_log alone; pygent_app reads its team's rows. Every table can be emptied and folded again.

-- 1. tasks (store/projections/tasks.py) ---------------------------------------------------------------------------------

CREATE TABLE task_row (
  id            uuid PRIMARY KEY,                 -- UUIDv7: newest first is id descending
  team_id       int NOT NULL,
  title         text NOT NULL,
  state         smallint NOT NULL,                -- codes of stream_head, kind 1
  agent         uuid NOT NULL,
  agent_name    text NOT NULL,
  agent_version int NOT NULL,
  model         text NOT NULL,
  submitted_by  text NOT NULL,
  submitted_at  timestamptz NOT NULL,
  started_at    timestamptz,
  ended_at      timestamptz,
  updated_at    timestamptz NOT NULL,
  attempt       int NOT NULL,
  steps         int NOT NULL,
  input_tokens  bigint NOT NULL,
  output_tokens bigint NOT NULL,
  cost          bigint NOT NULL,                  -- micro-dollars
  code          text,
  lane          jsonb NOT NULL,                   -- ended steps, at most 60: [kind, start ms, end ms, failed]
  running       jsonb NOT NULL,                   -- running steps: [step, kind, name, start ms]
  version       int NOT NULL,
  position      bigint NOT NULL
) WITH (fillfactor = 70);                         -- an update that leaves the state alone stays on its page

CREATE INDEX task_row_team ON task_row (team_id, id DESC);
CREATE INDEX task_row_state ON task_row (team_id, state, id DESC);
CREATE INDEX task_row_agent ON task_row (team_id, agent, id DESC);
CREATE INDEX task_row_submitted_by ON task_row (team_id, submitted_by, id DESC);
CREATE INDEX task_row_ended ON task_row (team_id, ended_at DESC) INCLUDE (submitted_at) WHERE ended_at IS NOT NULL;
CREATE INDEX task_row_words ON task_row USING gin (to_tsvector('simple', title))
  WITH (gin_pending_list_limit = 256);            -- kB; each search reads the whole pending list

CREATE TABLE task_count (                         -- how many tasks of an agent are in a state: never counted at reading
  team_id int NOT NULL,
  agent   uuid NOT NULL,
  state   smallint NOT NULL,
  tasks   bigint NOT NULL,
  PRIMARY KEY (team_id, agent, state)
) WITH (fillfactor = 50);

-- 2. agents (store/projections/agents.py) -------------------------------------------------------------------------------

CREATE TABLE agent_row (
  id          uuid PRIMARY KEY,
  team_id     int NOT NULL,
  name        text NOT NULL,
  description text NOT NULL,
  state       smallint NOT NULL,                  -- codes of stream_head, kind 2
  model       text NOT NULL,
  strategy    text NOT NULL,
  number      int NOT NULL,
  updated_at  timestamptz NOT NULL,
  version     int NOT NULL,
  position    bigint NOT NULL
);

CREATE INDEX agent_row_name ON agent_row (team_id, name COLLATE "C");

-- 3. overview (store/projections/overview.py) ---------------------------------------------------------------------------

CREATE TABLE overview_minute (
  team_id       int NOT NULL,
  minute        timestamptz NOT NULL,
  submitted     int NOT NULL DEFAULT 0,
  completed     int NOT NULL DEFAULT 0,
  failed        int NOT NULL DEFAULT 0,
  canceled      int NOT NULL DEFAULT 0,
  cost          bigint NOT NULL DEFAULT 0,
  input_tokens  bigint NOT NULL DEFAULT 0,
  output_tokens bigint NOT NULL DEFAULT 0,
  events        bigint NOT NULL DEFAULT 0,
  seconds       double precision NOT NULL DEFAULT 0,
  PRIMARY KEY (team_id, minute)
) WITH (fillfactor = 50);

CREATE TABLE model_minute (
  team_id       int NOT NULL,
  minute        timestamptz NOT NULL,
  model         text NOT NULL,
  cost          bigint NOT NULL DEFAULT 0,
  input_tokens  bigint NOT NULL DEFAULT 0,
  output_tokens bigint NOT NULL DEFAULT 0,
  tasks         int NOT NULL DEFAULT 0,
  PRIMARY KEY (team_id, minute, model)
) WITH (fillfactor = 50);

CREATE TABLE overview_task (                      -- open tasks: whose model pays, and since when it waits
  id           uuid PRIMARY KEY,
  model        text NOT NULL,
  submitted_at timestamptz NOT NULL
);

-- 4. All of them --------------------------------------------------------------------------------------------------------

CREATE TABLE projection_parked (                  -- streams a projection cannot fold; it goes on without them
  name      text NOT NULL,
  stream_id uuid NOT NULL,
  team_id   int NOT NULL,
  version   int NOT NULL,                         -- of the event it stopped at
  position  bigint NOT NULL,
  type      text NOT NULL,
  reason    text NOT NULL,
  parked_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (name, stream_id)
);

CREATE TABLE feed_position (                      -- what was published; what lies between it and the log is published again
  only_row boolean PRIMARY KEY DEFAULT true CHECK (only_row),
  position bigint NOT NULL
);

INSERT INTO projection_position (name, shard) VALUES ('tasks', 0), ('agents', 0), ('overview', 0), ('delta_retention', 0);
INSERT INTO feed_position (position) VALUES (0);

-- 5. Who may do what ----------------------------------------------------------------------------------------------------

GRANT SELECT, INSERT, UPDATE, DELETE
  ON task_row, task_count, agent_row, overview_minute, model_minute, overview_task, projection_parked, feed_position
  TO pygent_log;
GRANT SELECT ON task_row, task_count, agent_row, overview_minute, model_minute TO pygent_app;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['task_row', 'task_count', 'agent_row', 'overview_minute', 'model_minute'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY team ON %I TO pygent_app USING (team_id = (SELECT current_team()))', name);
    EXECUTE format('CREATE POLICY whole ON %I TO pygent_log, CURRENT_USER USING (true) WITH CHECK (true)', name);
  END LOOP;
END $$;

-- 6. Words of titles under row security ---------------------------------------------------------------------------------
-- @@ is not leakproof: behind a policy it would run after the team's filter, without the GIN index. So one function of
-- the owner, which takes the team from the setting and from nowhere else. Null team: no rows.
-- Two steps, because no plan is right for both: a usual word is found among the newest tasks, for a rare one all matches
-- are few. Postgres guesses the same number for both and would walk through 100,000 tasks to find a word used once.
-- force_custom_plan: nulls among the filters vanish from the plan.

CREATE FUNCTION task_rows_by_words(
  p_words text, p_states smallint[], p_agent uuid, p_submitted_by text,
  p_since timestamptz, p_until timestamptz, p_from uuid, p_before uuid, p_limit int
) RETURNS SETOF task_row
LANGUAGE plpgsql STABLE SECURITY DEFINER
SET search_path = pygent, pg_temp
SET plan_cache_mode = force_custom_plan
AS $$
DECLARE
  team   int := current_team();
  newest int := 1000;
  wanted int := least(greatest(p_limit, 1), 201);
  oldest uuid;  -- of the newest ones
  found  int;
BEGIN
  SELECT t.id INTO oldest
  FROM task_row AS t
  WHERE t.team_id = team AND t.id >= p_from AND t.id < p_before
  ORDER BY t.id DESC
  OFFSET newest - 1 LIMIT 1;

  RETURN QUERY
  SELECT t.*
  FROM (
    SELECT r.*
    FROM task_row AS r
    WHERE r.team_id = team AND r.id >= coalesce(oldest, p_from) AND r.id < p_before
    ORDER BY r.id DESC
    LIMIT newest
  ) AS t
  WHERE to_tsvector('simple', t.title) @@ to_tsquery('simple', p_words)
    AND (p_states IS NULL OR t.state = ANY (p_states))
    AND (p_agent IS NULL OR t.agent = p_agent)
    AND (p_submitted_by IS NULL OR t.submitted_by = p_submitted_by)
    AND (p_since IS NULL OR t.submitted_at >= p_since)
    AND (p_until IS NULL OR t.submitted_at < p_until)
  ORDER BY t.id DESC
  LIMIT wanted;

  GET DIAGNOSTICS found = ROW_COUNT;
  IF oldest IS NULL OR found >= wanted THEN
    RETURN;
  END IF;

  RETURN QUERY
  WITH matching AS MATERIALIZED (
    SELECT t.id
    FROM task_row AS t
    WHERE to_tsvector('simple', t.title) @@ to_tsquery('simple', p_words)
      AND t.team_id = team
      AND (p_states IS NULL OR t.state = ANY (p_states))
      AND (p_agent IS NULL OR t.agent = p_agent)
      AND (p_submitted_by IS NULL OR t.submitted_by = p_submitted_by)
      AND (p_since IS NULL OR t.submitted_at >= p_since)
      AND (p_until IS NULL OR t.submitted_at < p_until)
      AND t.id >= p_from AND t.id < oldest
  )
  SELECT t.*
  FROM (SELECT m.id FROM matching AS m ORDER BY m.id DESC LIMIT wanted - found) AS m
  JOIN task_row AS t ON t.id = m.id
  ORDER BY t.id DESC;
END $$;

REVOKE ALL ON FUNCTION task_rows_by_words FROM PUBLIC;
GRANT EXECUTE ON FUNCTION task_rows_by_words TO pygent_app;
