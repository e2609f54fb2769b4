"""Which version of PyGent Factory this is, as its package says."""

from importlib.metadata import PackageNotFoundError, version


def _version() -> str:
    try:
        return version("pygent-factory")
    except PackageNotFoundError:  # run from a folder that was never installed
        return "unknown"


VERSION = _version()
