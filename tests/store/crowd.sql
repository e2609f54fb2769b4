-- A factory with 100,000 tasks, 1,000 agents and 10,000 documents: the rows its projections would have, written at once.
-- Team 1 has nearly all of them, team 2 a few among them. Runs as the superuser; triggers and policies are aside.
-- `crowd_agent` holds ids and names of the agents, which are made outside. Everything is by `n`, so that a test knows what is rare: one failed task, one of user:eve, one document that failed.

-- 1. Agents: agent-0000 has half of the tasks, the others share the rest --------------------------------------------------

INSERT INTO agent_row
SELECT id, team, name, 'Answers questions of kind ' || n, CASE WHEN n % 100 = 7 THEN 100 ELSE 2 END, 'provider:model-' || n % 5, 'react', 1, now() - interval '8 days', 2, n
FROM crowd_agent;

-- 2. Tasks: one every six seconds of the last week; ids by their time, as in life --------------------------------------------

INSERT INTO task_row
SELECT (lpad(to_hex((extract(epoch FROM t.at) * 1000)::bigint), 12, '0') || '7000' || '8000' || lpad(to_hex(t.n), 12, '0'))::uuid, t.team,
       CASE WHEN t.n % 20000 = 10 THEN 'Reconcile the ledger ' WHEN t.n % 1000 = 0 THEN 'Quarterly report ' WHEN t.n < 30000 THEN 'Legacy question ' ELSE 'Why is it so ' END || t.n,
       CASE WHEN t.n = 50001 THEN 101 WHEN t.n > 99990 THEN 1 WHEN t.n > 99970 THEN 2 WHEN t.n < 5000 THEN 102 WHEN t.n < 9000 AND t.n % 2 = 0 THEN 103 ELSE 100 END,
       a.id,
       a.name, 1, 'provider:model-' || t.n % 5, CASE t.n WHEN 40001 THEN 'user:eve' ELSE 'user:ada' END,
       t.at, t.at, CASE WHEN t.n <= 99970 THEN t.at + interval '9 seconds' END, t.at + interval '9 seconds', 1, 3, 800, 60, 1200, CASE t.n WHEN 50001 THEN 'model_failed' END,
       '[["model", 0, 2000, false], ["tool", 2000, 2400, false], ["model", 2400, 9000, false]]', '[]', 12, t.n,
       CASE WHEN t.n < 2000 THEN 'long-talk' ELSE 'talk-' || t.n / 3 END
FROM (SELECT n, CASE WHEN n % 500 = 0 THEN 2 ELSE 1 END AS team, now() - make_interval(secs => 6 * (100000 - n)) AS at FROM generate_series(1, 100000) AS n) AS t
JOIN crowd_agent AS a ON a.team = t.team AND a.n = CASE WHEN t.team = 2 THEN t.n % 3 WHEN t.n % 2 = 1 THEN 0 ELSE t.n / 2 % 1000 END
ORDER BY t.n;

INSERT INTO task_count SELECT team_id, agent, state, count(*) FROM task_row GROUP BY 1, 2, 3;
INSERT INTO task_count SELECT a.team_id, a.id, open.state, 0 FROM agent_row AS a, unnest(ARRAY[1, 2]) AS open (state) ON CONFLICT DO NOTHING;
INSERT INTO task_total SELECT team_id, state, sum(tasks) FROM task_count GROUP BY 1, 2;

INSERT INTO overview_minute (team_id, minute, submitted, completed, failed, cost, input_tokens, output_tokens, events, seconds)
SELECT team_id, date_trunc('minute', submitted_at), count(*), count(*) FILTER (WHERE state = 100), count(*) FILTER (WHERE state = 101), sum(cost), sum(input_tokens),
       sum(output_tokens), 12 * count(*), 9 * count(*)
FROM task_row GROUP BY 1, 2;
INSERT INTO model_minute (team_id, minute, model, cost, input_tokens, output_tokens, tasks)
SELECT team_id, date_trunc('minute', submitted_at), model, sum(cost), sum(input_tokens), sum(output_tokens), count(*) FROM task_row GROUP BY 1, 2, 3;
INSERT INTO overview_minute (team_id, minute, submitted) SELECT 1, now() - make_interval(days => 8, mins => n), 1 FROM generate_series(1, 20000) AS n;
INSERT INTO model_minute (team_id, minute, model, tasks) SELECT 1, now() - make_interval(days => 8, mins => n / 2), 'provider:model-' || n % 2, 1 FROM generate_series(1, 40000) AS n;
INSERT INTO overview_hour
SELECT team_id, date_trunc('hour', minute, 'UTC'), sum(submitted), sum(completed), sum(failed), sum(canceled), sum(cost), sum(input_tokens), sum(output_tokens), sum(events), sum(seconds)
FROM overview_minute GROUP BY 1, 2;
INSERT INTO model_hour
SELECT team_id, date_trunc('hour', minute, 'UTC'), model, sum(cost), sum(input_tokens), sum(output_tokens), sum(tasks) FROM model_minute GROUP BY 1, 2, 3;

-- 3. The log: the head of each stream; every task's first event; agents with their specs; one task of 100,000 events ----------

INSERT INTO stream_head (stream_id, kind, team_id, shard, state, version, first_position, last_position, created_at, updated_at)
SELECT id, 1, team_id, 0, state, 12, position, position, submitted_at, updated_at FROM task_row;
INSERT INTO event (position, stream_id, version, team_id, shard, delta, type, time, actor, attempt, seq, head, body)
SELECT nextval('event_position'), id, 1, team_id, 0, false, 'task.submitted', submitted_at, submitted_by, 0, 0, '{}', '{}' FROM task_row ORDER BY id;

INSERT INTO stream_head (stream_id, kind, team_id, shard, state, version, first_position, last_position, created_at, updated_at)
SELECT id, 2, team_id, 0, state, 2, 0, 9000000, updated_at, updated_at FROM agent_row;
INSERT INTO event (position, stream_id, version, team_id, shard, delta, type, time, actor, attempt, seq, head, body)
SELECT nextval('event_position'), id, v, team_id, 0, false, CASE v WHEN 1 THEN 'agent.created' ELSE 'agent.version_published' END, updated_at, 'user:ada', 0, 0,
       json_build_object('name', name, 'number', 1, 'model', model, 'strategy', strategy, 'description', description, 'spec_hash', 'x'),
       convert_to('{"spec": {"name": "' || name || '"' || CASE WHEN name LIKE '%42' THEN ', "collections": ["library"]' ELSE '' END || '}}', 'UTF8')
FROM agent_row, generate_series(1, 2) AS v ORDER BY name, v;

INSERT INTO stream_head (stream_id, kind, team_id, shard, state, version, first_position, last_position, created_at, updated_at)
VALUES ('00000000-0000-7000-8000-00000000000e', 1, 1, 0, 2, 100000, 0, 9000000, now(), now());
INSERT INTO event (position, stream_id, version, team_id, shard, delta, type, time, actor, attempt, seq, head, body)
SELECT nextval('event_position'), '00000000-0000-7000-8000-00000000000e', n, 1, 0, n % 200 <> 1, CASE WHEN n % 200 = 1 THEN 'step.started' ELSE 'message.delta' END, now(),
       'agent:agent-0000', 1, n, CASE WHEN n % 200 = 1 THEN json_build_object('step', '1.' || n, 'kind', 'model', 'name', 'm') END, '{"message": "1.1", "text": "word "}'
FROM generate_series(1, 100000) AS n;

INSERT INTO event (position, stream_id, version, team_id, shard, delta, type, time, actor, attempt, seq, head, body)
SELECT nextval('event_position'), id, 100 + v, team_id, 0, true, 'message.delta', now(), 'agent:agent-0000', 1, v, NULL, '{"message": "1.1", "text": "word "}'
FROM (SELECT * FROM task_row ORDER BY id DESC LIMIT 2000) AS latest, generate_series(1, 30) AS v;

-- 4. Knowledge: 10,000 documents in one collection, one of them long; some collections beside it --------------------------------

ALTER TABLE document DISABLE TRIGGER USER;
INSERT INTO collection (id, team_id, name, description, embedder, documents, chunks)
SELECT md5('collection-' || n)::uuid, 1 + (n = 1)::int, CASE n WHEN 0 THEN 'library' WHEN 1 THEN 'others' ELSE 'shelf-' || to_char(n, 'FM000') END, '', 'hashing',
       CASE n WHEN 0 THEN 9900 WHEN 1 THEN 100 ELSE 0 END, CASE n WHEN 0 THEN 10899 WHEN 1 THEN 100 ELSE 0 END
FROM generate_series(0, 99) AS n;
INSERT INTO blob (team_id, sha256, content) SELECT team, sha256('x'), 'x' FROM generate_series(1, 2) AS team;
INSERT INTO document (id, team_id, collection_id, identity, title, is_titled, source, media_type, bytes, sha256, state, reason, chunks, embedder)
SELECT ('0199c000' || lpad(to_hex(n), 4, '0') || '70008000000000000000')::uuid, 1 + (n % 100 = 0)::int, md5('collection-' || (n % 100 = 0)::int)::uuid, sha256(n::text::bytea),
       'Chapter ' || n, true, 'chapter-' || n || '.md', 'text/markdown', 4000, sha256('x'), CASE WHEN n = 777 THEN 'failed' WHEN n > 9997 THEN 'queued' ELSE 'ready' END,
       CASE n WHEN 777 THEN 'it has no text' END, CASE n WHEN 1 THEN 1000 ELSE 1 END, 'hashing'
FROM generate_series(1, 10000) AS n;
ALTER TABLE document ENABLE TRIGGER USER;

INSERT INTO chunk (id, team_id, collection_id, document_id, ordinal, title, location, text)
SELECT md5('chunk-' || d.id || o)::uuid, d.team_id, d.collection_id, d.id, o, d.title, '',
       'A pump of kind ' || right(d.source, 7) || ' hums in the basement' || CASE WHEN d.title = 'Chapter 4321' THEN ' beside a heliotrope' ELSE '' END
FROM document AS d, generate_series(0, d.chunks - 1) AS o;
INSERT INTO embedding_384 (chunk_id, team_id, collection_id, embedder, vector)
SELECT c.id, c.team_id, c.collection_id, 'hashing',
       l2_normalize((SELECT array_agg(sin(i * (1 + hashtext(c.id::text) % 1000))::real) FROM generate_series(1, 384) AS i)::vector(384))::halfvec(384)
FROM chunk AS c;

-- 5. What lies beside: jobs that ended and are not forgotten yet, keys ----------------------------------------------------------

ALTER TABLE procrastinate_jobs DISABLE TRIGGER USER;
INSERT INTO procrastinate_jobs (queue_name, task_name, lock, args, status)
SELECT 'tasks', 'attempt', 'task:' || n, '{}', (CASE WHEN n > 99990 THEN 'todo' WHEN n > 99970 THEN 'doing' ELSE 'succeeded' END)::procrastinate_job_status
FROM generate_series(1, 100000) AS n;
ALTER TABLE procrastinate_jobs ENABLE TRIGGER USER;
INSERT INTO team (id, name) VALUES (2, 'Others');
INSERT INTO api_key (team_id, name, prefix, hash, role, created_by)
SELECT 1 + (n > 900)::int, 'key ' || n, 'prefix' || n, sha256(n::text::bytea), 'operator', 'user:ada' FROM generate_series(1, 2000) AS n;

-- 6. All of the log is folded: these are its projections ------------------------------------------------------------------------

UPDATE projection_position SET position = (SELECT last_value FROM event_position);
UPDATE feed_position SET position = (SELECT last_value FROM event_position);
