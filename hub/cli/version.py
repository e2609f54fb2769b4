"""The version, for the commands; it is found out in `hub/version.py`."""

from hub.version import VERSION as VERSION
