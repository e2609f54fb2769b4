-- Namespaces of application channels that were made while the factory ran; those of the settings stand there alone.
-- They are the factory's, not a team's: the app role has no business here.

CREATE SEQUENCE namespace_version;

CREATE TABLE namespace (
  name       text PRIMARY KEY,                     -- empty: channels without a colon
  rules      jsonb NOT NULL,
  version    bigint NOT NULL DEFAULT nextval('namespace_version'),  -- of the last change, so that hubs see that there was one
  changed_by text NOT NULL,
  changed_at timestamptz NOT NULL DEFAULT now(),
  CONSTRAINT name_is_short CHECK (length(name) <= 64)
);

GRANT SELECT, INSERT, UPDATE, DELETE ON namespace TO pygent_log;
GRANT USAGE ON SEQUENCE namespace_version TO pygent_log;
