-- Who may enter: teams, people, their tickets, sessions and keys. Secrets are here as SHA-256 only.
-- Who somebody is must be found before a team is known, by a hash nobody can guess: that is done by pygent_log
-- (store/postgres/identity.py, the one module that does it). pygent_app never sees a hash, a ticket or a session;
-- row security gives it its own team's members and keys.

CREATE TABLE team (
  id         int PRIMARY KEY,
  name       text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE person (
  id         uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  handle     text NOT NULL UNIQUE CHECK (handle ~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$'),   -- `user:<handle>` in events
  name       text NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE member (
  team_id   int NOT NULL REFERENCES team ON DELETE CASCADE,
  person_id uuid NOT NULL REFERENCES person ON DELETE CASCADE,
  role      text NOT NULL CHECK (role IN ('owner', 'operator', 'viewer')),
  joined_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (team_id, person_id)
);

CREATE INDEX member_person ON member (person_id);

CREATE TABLE login_ticket (                        -- one login each
  hash       bytea PRIMARY KEY,
  person_id  uuid NOT NULL REFERENCES person ON DELETE CASCADE,
  created_at timestamptz NOT NULL DEFAULT now(),
  expires_at timestamptz NOT NULL,
  used_at    timestamptz
);

CREATE INDEX login_ticket_expires ON login_ticket (expires_at);

CREATE TABLE session (                             -- ends when it is not used until expires_at, which use moves on
  hash         bytea PRIMARY KEY,
  team_id      int NOT NULL,
  person_id    uuid NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz NOT NULL DEFAULT now(),
  expires_at   timestamptz NOT NULL,
  revoked_at   timestamptz,
  FOREIGN KEY (team_id, person_id) REFERENCES member ON DELETE CASCADE
);

CREATE INDEX session_person ON session (person_id);
CREATE INDEX session_expires ON session (expires_at);

CREATE TABLE api_key (                             -- `pgk_<prefix>_<secret>`; the hash is of all of it
  id           uuid PRIMARY KEY DEFAULT gen_random_uuid(),
  team_id      int NOT NULL REFERENCES team ON DELETE CASCADE,
  name         text NOT NULL,
  prefix       text NOT NULL UNIQUE,               -- `key:<prefix>` in events
  hash         bytea NOT NULL UNIQUE,
  role         text NOT NULL CHECK (role IN ('owner', 'operator', 'viewer')),
  created_by   text NOT NULL,                      -- an actor
  created_at   timestamptz NOT NULL DEFAULT now(),
  last_used_at timestamptz,                        -- moved at most once a minute
  revoked_at   timestamptz
);

CREATE INDEX api_key_team ON api_key (team_id, created_at DESC);

-- One team, and the first person as its owner. Nobody can log in as her without a ticket made beside the database.
INSERT INTO team (id, name) VALUES (1, 'Factory');
WITH first AS (INSERT INTO person (handle, name) VALUES ('owner', 'Owner') RETURNING id)
INSERT INTO member (team_id, person_id, role) SELECT 1, id, 'owner' FROM first;

GRANT SELECT, INSERT, UPDATE, DELETE ON team, person, member, login_ticket, session, api_key TO pygent_log;
GRANT SELECT ON team, member TO pygent_app;
GRANT SELECT (id, team_id, name, prefix, role, created_by, created_at, last_used_at, revoked_at) ON api_key TO pygent_app;

DO $$
DECLARE
  name text;
BEGIN
  FOREACH name IN ARRAY ARRAY['member', 'session', 'api_key'] LOOP
    EXECUTE format('ALTER TABLE %I ENABLE ROW LEVEL SECURITY', name);
    EXECUTE format('ALTER TABLE %I FORCE ROW LEVEL SECURITY', name);
    EXECUTE format('CREATE POLICY team ON %I TO pygent_app USING (team_id = (SELECT current_team()))', name);
    EXECUTE format('CREATE POLICY whole ON %I TO pygent_log, CURRENT_USER USING (true) WITH CHECK (true)', name);
  END LOOP;
END $$;

ALTER TABLE team ENABLE ROW LEVEL SECURITY;
ALTER TABLE team FORCE ROW LEVEL SECURITY;
CREATE POLICY team ON team TO pygent_app USING (id = (SELECT current_team()));
CREATE POLICY whole ON team TO pygent_log, CURRENT_USER USING (true) WITH CHECK (true);
