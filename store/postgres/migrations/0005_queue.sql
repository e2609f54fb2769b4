-- The queue's claims and leases, beside procrastinate's own functions. Its fetch function looks for
-- jobs of the same lock by reading every job that waits: 40 ms a claim with 10,000 of them.

-- One queue's jobs in their order; the package's own index mixes the queues.
CREATE INDEX job_order ON procrastinate_jobs (queue_name, priority DESC, id) WHERE status = 'todo';

-- Takes at most p_limit jobs for a worker. The settings keep the plan what it was with an empty
-- table: by index, one row after the other, until there are enough.
CREATE FUNCTION claim_jobs(p_queue text, p_worker bigint, p_limit int)
RETURNS TABLE (id bigint, task text, arguments jsonb, deaths int)
LANGUAGE plpgsql VOLATILE
SET search_path = pygent, pg_temp
SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off
SET enable_bitmapscan = off
SET enable_hashjoin = off
SET enable_mergejoin = off
SET enable_sort = off
AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
  WITH waiting AS MATERIALIZED (
    SELECT job.id, job.lock
    FROM procrastinate_jobs AS job
    WHERE job.queue_name = p_queue AND job.status = 'todo'
      AND (job.scheduled_at IS NULL OR job.scheduled_at <= clock_timestamp())
      AND NOT EXISTS (
        SELECT FROM procrastinate_jobs AS other
        WHERE other.lock = job.lock AND other.status = 'doing')
    ORDER BY job.priority DESC, job.id
    LIMIT p_limit
    FOR UPDATE OF job SKIP LOCKED
  ), chosen AS (  -- two of one lock: the first; the other waits for it
    SELECT DISTINCT ON (coalesce(waiting.lock, waiting.id::text)) waiting.id
    FROM waiting
    ORDER BY coalesce(waiting.lock, waiting.id::text), waiting.id
  )
  UPDATE procrastinate_jobs AS job
  SET status = 'doing', worker_id = p_worker
  FROM chosen
  WHERE job.id = chosen.id
  RETURNING job.id, job.task_name::text, job.args, job.attempts;
END $$;

-- Jobs of workers whose lease has run out wait again. A lease lasts at least so long after a start
-- of the database, during which nobody could renew it. Answers how many jobs; wakes the workers.
CREATE FUNCTION rescue_jobs(p_seconds float8) RETURNS int
LANGUAGE plpgsql VOLATILE
SET search_path = pygent, pg_temp
AS $$
DECLARE
  dead   bigint[];
  queues text[];
BEGIN
  SELECT array_agg(worker.id) INTO dead
  FROM procrastinate_workers AS worker
  WHERE greatest(worker.last_heartbeat, pg_postmaster_start_time())
        < clock_timestamp() - make_interval(secs => p_seconds);

  WITH saved AS (
    UPDATE procrastinate_jobs AS job
    SET status = 'todo', worker_id = NULL, attempts = job.attempts + 1
    WHERE job.status = 'doing' AND (job.worker_id IS NULL OR job.worker_id = ANY(dead))
    RETURNING job.queue_name
  )
  SELECT array_agg(saved.queue_name) INTO queues FROM saved;

  DELETE FROM procrastinate_workers AS worker WHERE worker.id = ANY(dead);
  PERFORM pg_notify('procrastinate_queue_v1#' || name, '')
  FROM (SELECT DISTINCT unnest(queues) AS name) AS names;
  RETURN coalesce(cardinality(queues), 0);
END $$;

REVOKE ALL ON FUNCTION claim_jobs, rescue_jobs FROM PUBLIC;
GRANT EXECUTE ON FUNCTION claim_jobs, rescue_jobs TO pygent_log;
