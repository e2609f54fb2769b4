"""The address the request that is being served came from, for everything that counts by address."""

import ipaddress
from contextvars import ContextVar

ADDRESS: ContextVar[str] = ContextVar("address", default="")


def is_loopback(host: str) -> bool:
    """Whether a name or an address is of this machine itself."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
