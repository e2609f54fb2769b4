"""The clock: what time it is, anywhere. Reads the worker's clock; no network."""

from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BaseModel, ConfigDict, Field

from agents.tool import ToolContext, ToolResult, checked, schema
from protocols.errors import ToolFailed
from protocols.steps import StepKind


class Arguments(BaseModel):
    """Where to read the clock."""

    model_config = ConfigDict(extra="forbid")

    timezone: Annotated[
        str,
        Field(max_length=100, description="IANA name such as Europe/Berlin; UTC when left out."),
    ] = "UTC"


class Clock:
    """Date and time in a time zone."""

    name = "clock"
    kind = StepKind.TOOL
    description = "The current date and time, with the weekday, in a time zone."
    parameters = schema(Arguments)

    async def call(self, arguments: object, context: ToolContext) -> ToolResult:
        """The time now; see `agents.tool.Tool`."""
        del context  # the time is everybody's
        wanted = checked(self.name, arguments, against=Arguments).timezone
        now = datetime.now(UTC).astimezone(_zone(wanted))
        return ToolResult(
            value={
                "time": now.isoformat(timespec="seconds"),
                "weekday": now.strftime("%A"),
                "timezone": wanted,
                "utc_offset": now.strftime("%z"),
            },
            summary=now.strftime("%a %H:%M"),
        )


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # OSError: a name that is a directory
        raise ToolFailed(f"there is no time zone {name!r}; use a name like Europe/Berlin") from None
