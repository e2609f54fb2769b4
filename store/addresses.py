"""Where the store is. Settings name it before anything is opened, so it stands alone."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Addresses:
    """Where the store is.

    Attributes:
        database: URL of Postgres; its user is a member of `pygent_log` and `pygent_app`.
        redis: URL of Redis or Valkey.
        log: URL for the log, when it has a login of its own.
        app: URL for reads and forms, when they have a login of their own.
        redis_prefix: Of every key and channel, so that several factories can share a server.
    """

    database: str
    redis: str
    log: str | None = None
    app: str | None = None
    redis_prefix: str = "pygent"
