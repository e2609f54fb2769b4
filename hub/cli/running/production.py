"""What a factory that people depend on must not do: asked before anything of it starts.

`PYGENT_ENV=production` changes little: `docs/settings.md` says what. Here is what it refuses.
"""

from hub.identity.address import is_loopback
from hub.settings import HubSettings
from protocols.errors import InvalidRequest

WHY = "keys and sessions would cross the network for everybody to read"


def require_safe(settings: HubSettings) -> None:
    """It may start: in production, nobody else reaches it without https.

    Raises:
        InvalidRequest: Others would; the variable to set is named.
    """
    found = unsafe(settings)
    if found is not None:
        raise InvalidRequest(f"PYGENT_ENV is production, and {found}")


def unsafe(settings: HubSettings) -> str | None:
    """Why it may not start in production; None where it may, or is not for production."""
    if not settings.is_production or settings.is_secure:
        return None
    if settings.is_public:
        return f"PYGENT_PUBLIC_URL is {settings.public_url}: it must begin with https, else {WHY}"
    if settings.public_url is None and not is_loopback(settings.host):
        return (
            f"PYGENT_HOST is {settings.host}, which others reach: set PYGENT_PUBLIC_URL to the"
            f" https address of the proxy in front of it, else {WHY}"
        )
    return None
