"""What is unsafe or unwise where people depend on the factory, and whether it was told so."""

from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from hub.cli.checks.finding import Finding, fine, note, wrong
from hub.cli.running.production import unsafe
from hub.identity.address import is_loopback
from hub.settings import HubSettings

PART = "production"
ENCRYPTED = frozenset({"require", "verify-ca", "verify-full"})


def production(settings: HubSettings) -> Iterator[Finding]:
    """Nothing where it is for development and reached from this machine alone."""
    if not settings.is_production:
        if settings.is_public:
            seen = f"{settings.public_url} is an address of others, and PYGENT_ENV is development"
            cure = "set PYGENT_ENV=production: logs for programs, and no start without https"
            yield note(PART, seen, cure=cure)
        return
    found = unsafe(settings)
    if found is not None:
        yield wrong(PART, found, cure="set PYGENT_PUBLIC_URL to an https address")
    else:
        yield fine(PART, f"reached by {settings.public_url or 'this machine alone'}")
    yield from _unwise(settings)


def _unwise(settings: HubSettings) -> Iterator[Finding]:
    if settings.database_url is None:
        seen = "the embedded Postgres keeps everything on this machine's disk alone"
        cure = "back it up (docs/backups.md), or name a server of yours in PYGENT_DATABASE_URL"
        yield note(PART, seen, cure=cure)
    elif _is_readable(settings.database_url):
        seen = "PYGENT_DATABASE_URL leads over the network, and does not ask for TLS"
        yield note(PART, seen, cure="add ?sslmode=require to it, or better verify-full")
    if settings.redis_url is not None and _is_open(settings.redis_url):
        seen = "PYGENT_REDIS_URL leads over the network without TLS or without a password"
        yield note(PART, seen, cure="let it be rediss://user:password@host:6379/0")
    if settings.log_level == "debug":
        yield note(PART, "everything is logged", cure="unset PYGENT_LOG_LEVEL, or set it to info")


def _is_readable(database_url: str) -> bool:
    parts = urlsplit(database_url)
    modes = parse_qs(parts.query).get("sslmode", [""])
    return _is_elsewhere(parts.hostname) and modes[-1] not in ENCRYPTED


def _is_open(redis_url: str) -> bool:
    parts = urlsplit(redis_url)
    is_closed = parts.scheme == "rediss" and bool(parts.password)
    return parts.scheme != "unix" and _is_elsewhere(parts.hostname) and not is_closed


def _is_elsewhere(host: str | None) -> bool:
    return bool(host) and not is_loopback(host or "")
