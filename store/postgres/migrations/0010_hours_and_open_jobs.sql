-- What happened in each hour, beside each minute: a week is 168 rows and not 10,080, and a few for each model.
-- Written by the projection of the overview, from its minutes.

CREATE TABLE overview_hour (
  team_id       int NOT NULL,
  hour          timestamptz NOT NULL,
  submitted     int NOT NULL DEFAULT 0,
  completed     int NOT NULL DEFAULT 0,
  failed        int NOT NULL DEFAULT 0,
  canceled      int NOT NULL DEFAULT 0,
  cost          bigint NOT NULL DEFAULT 0,
  input_tokens  bigint NOT NULL DEFAULT 0,
  output_tokens bigint NOT NULL DEFAULT 0,
  events        bigint NOT NULL DEFAULT 0,
  seconds       double precision NOT NULL DEFAULT 0,
  PRIMARY KEY (team_id, hour)
) WITH (fillfactor = 50);

CREATE TABLE model_hour (
  team_id       int NOT NULL,
  hour          timestamptz NOT NULL,
  model         text NOT NULL,
  cost          bigint NOT NULL DEFAULT 0,
  input_tokens  bigint NOT NULL DEFAULT 0,
  output_tokens bigint NOT NULL DEFAULT 0,
  tasks         int NOT NULL DEFAULT 0,
  PRIMARY KEY (team_id, hour, model)
) WITH (fillfactor = 50);

INSERT INTO overview_hour
SELECT team_id, date_trunc('hour', minute, 'UTC'), sum(submitted), sum(completed), sum(failed), sum(canceled), sum(cost), sum(input_tokens),
       sum(output_tokens), sum(events), sum(seconds)
FROM overview_minute
GROUP BY 1, 2;

INSERT INTO model_hour
SELECT team_id, date_trunc('hour', minute, 'UTC'), model, sum(cost), sum(input_tokens), sum(output_tokens), sum(tasks)
FROM model_minute
GROUP BY 1, 2, 3;

GRANT SELECT, INSERT, UPDATE, DELETE ON overview_hour, model_hour TO pygent_log;
GRANT SELECT ON overview_hour, model_hour TO pygent_app;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['overview_hour', 'model_hour'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY team ON %I TO pygent_app USING (team_id = (SELECT current_team()))', name);
    EXECUTE format('CREATE POLICY whole ON %I TO pygent_log, CURRENT_USER USING (true) WITH CHECK (true)', name);
  END LOOP;
END $$;

-- Jobs that wait, are done, or were given up: counted each second, among all those that ended well.
CREATE INDEX job_open ON procrastinate_jobs (queue_name, status) WHERE status IN ('todo', 'doing', 'failed');
