"""What a check answers: what was looked at, what was seen, and what mends it."""

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class Verdict(StrEnum):
    """How bad a finding is; only the last makes the doctor fail."""

    FINE = "ok"
    NOTE = "note"
    WRONG = "wrong"


class Finding(BaseModel):
    """One thing that was looked at."""

    model_config = ConfigDict(frozen=True)

    part: str
    verdict: Verdict
    sentence: str = Field(description="What was seen.")
    cure: str | None = Field(default=None, description="What to do; null when nothing is to do.")


class Report(BaseModel):
    """All findings, as `pygent doctor --json` prints them."""

    model_config = ConfigDict(frozen=True)

    is_well: bool
    findings: list[Finding]


def fine(part: str, sentence: str) -> Finding:
    """It is as it should be."""
    return Finding(part=part, verdict=Verdict.FINE, sentence=sentence)


def note(part: str, sentence: str, *, cure: str | None = None) -> Finding:
    """It works, and somebody may want to know."""
    return Finding(part=part, verdict=Verdict.NOTE, sentence=sentence, cure=cure)


def wrong(part: str, sentence: str, *, cure: str) -> Finding:
    """It must be mended."""
    return Finding(part=part, verdict=Verdict.WRONG, sentence=sentence, cure=cure)
