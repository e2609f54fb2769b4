-- How many tasks of a team are in each state: with 1,000 agents adding up `task_count` reads 5,000 rows, each second
-- while something happens.

CREATE TABLE task_total (                         -- projection tasks, as `task_count`, of all agents together
  team_id int NOT NULL,
  state   smallint NOT NULL,
  tasks   bigint NOT NULL,
  PRIMARY KEY (team_id, state)
) WITH (fillfactor = 50);

INSERT INTO task_total SELECT team_id, state, sum(tasks) FROM task_count GROUP BY team_id, state;

GRANT SELECT, INSERT, UPDATE, DELETE ON task_total TO pygent_log;
GRANT SELECT ON task_total TO pygent_app;

ALTER TABLE task_total ENABLE ROW LEVEL SECURITY;
ALTER TABLE task_total FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON task_total TO pygent_app USING (team_id = (SELECT current_team()));
CREATE POLICY whole ON task_total TO pygent_log, CURRENT_USER USING (true) WITH CHECK (true);
