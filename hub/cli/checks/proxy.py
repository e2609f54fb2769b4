"""A proxy in front of the hub: whether the hub was told of it, and of the address it serves."""

from hub.cli.checks.finding import Finding, fine, note
from hub.settings import HubSettings

CLOSED = "/health/deep and /health/metrics ask for a key"


def proxy(settings: HubSettings) -> Finding | None:
    """What is missing behind a proxy; None where nothing speaks of one."""
    if not settings.is_proxied:
        return None
    if not settings.trusted_proxies.strip():
        return note(
            "proxy",
            f"{settings.public_url} leads here, and PYGENT_TRUSTED_PROXIES is not set: behind a"
            f" proxy all visitors share its address and its limits; {CLOSED}",
            cure="set PYGENT_TRUSTED_PROXIES to the address it comes from, such as 127.0.0.1",
        )
    if not settings.is_public:
        return note(
            "proxy",
            f"{settings.trusted_proxies} is trusted, and PYGENT_PUBLIC_URL is not set to the"
            f" address of the proxy: it decides cookies and allowed origins; {CLOSED}",
            cure="set PYGENT_PUBLIC_URL to what stands in the browser's address line",
        )
    return fine("proxy", f"{settings.public_url} by way of {settings.trusted_proxies}; {CLOSED}")
