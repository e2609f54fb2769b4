"""Texts as a search finds them, for the extractive model."""

from agents.models.extractive.units import Found


def found(*texts: str, location: str = "", similarity: float | None = None) -> list[Found]:
    return [
        Found(
            n=number,
            rank=number - 1,
            document=f"d{number}",
            title=f"Title {number}",
            location=location,
            text=text,
            similarity=similarity,
        )
        for number, text in enumerate(texts, start=1)
    ]
