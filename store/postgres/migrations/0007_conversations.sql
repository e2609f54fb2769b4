-- Which conversation a task belongs to: the tasks of one are listed, and the agent is given the earlier ones.

ALTER TABLE task_row ADD COLUMN context_id text;  -- its own id where it began one; null: of a program before this

UPDATE task_row SET context_id = id::text;

CREATE INDEX task_row_context ON task_row (team_id, context_id, id DESC);
