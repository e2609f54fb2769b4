"""The address the request that is being served came from, for everything that counts by address."""

from contextvars import ContextVar

ADDRESS: ContextVar[str] = ContextVar("address", default="")
