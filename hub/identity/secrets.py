"""The secrets people and programs carry: how they look, and the hash that is kept of them.

All are 256 random bits, so a plain SHA-256 cannot be turned back, and looking a hash up compares
nothing that a caller could measure.
"""

import hashlib
import re
import secrets

KEY_PREFIX = "pgk_"
MAX_CHARACTERS = 200

_KEY = re.compile(r"^pgk_[0-9a-f]{8}_[A-Za-z0-9_-]{43}$", re.ASCII)
_PLAIN = re.compile(r"^[A-Za-z0-9_-]{43}$", re.ASCII)


def new_secret() -> str:
    """A ticket, or a session's cookie."""
    return secrets.token_urlsafe(32)


def new_key() -> tuple[str, str]:
    """A key, and the readable part by which events and lists name it."""
    prefix = secrets.token_hex(4)
    return f"{KEY_PREFIX}{prefix}_{new_secret()}", prefix


def hashed(secret: str) -> bytes:
    """What is kept of a secret."""
    return hashlib.sha256(secret.encode()).digest()


def is_key(text: str) -> bool:
    """Whether it could be a key."""
    return len(text) <= MAX_CHARACTERS and _KEY.match(text) is not None


def prefix_of(key: str) -> str:
    """The readable part of what could be a key."""
    return key.removeprefix(KEY_PREFIX).partition("_")[0]


def is_plain_secret(text: str) -> bool:
    """Whether it could be a ticket or a session."""
    return _PLAIN.match(text) is not None
