"""A word of a question as the passages write it: without a slip of the keys, or with its ending.

Asked only about words that no passage has. It knows no dictionary, only the passages' own words,
and rather leaves a word as it is than takes one word for another.
"""

from collections.abc import Iterable

_LEAST_SWAPPED, _LEAST_MISSED, _LEAST_MISTYPED = 4, 5, 8  # letters of a word with such a slip
_LEAST_ROOT, _LONGEST_ENDING = 5, 5  # letters
_LONGEST = 40  # letters; what is longer is no word that somebody mistyped


def as_written(term: str, known: Iterable[str]) -> str:
    """The known word that was meant; the term itself where there is none, or more than one."""
    if not term.isalpha() or len(term) > _LONGEST:
        return term
    first = [word for word in known if word[:1] == term[0] and word != term]
    meant = {word for word in first if _is_slip(term, word)}
    meant = meant or {word for word in first if _is_of_root(term, word)}
    return meant.pop() if len(meant) == 1 else term


def _is_slip(term: str, word: str) -> bool:
    """Whether one slip makes one of the other: letters swapped, one missed, doubled or wrong."""
    start = next(
        (at for at, (a, b) in enumerate(zip(term, word, strict=False)) if a != b),
        min(len(term), len(word)),
    )
    mine, theirs = term[start:], word[start:]
    shorter = min(len(term), len(word))
    if len(mine) == len(theirs):
        is_swapped = len(mine) > 1 and mine[1::-1] == theirs[:2] and mine[2:] == theirs[2:]
        is_mistyped = mine[1:] == theirs[1:] and shorter >= _LEAST_MISTYPED
        return (is_swapped and shorter >= _LEAST_SWAPPED) or is_mistyped
    return shorter >= _LEAST_MISSED and (mine[1:] == theirs or mine == theirs[1:])


def _is_of_root(term: str, word: str) -> bool:
    """Whether they differ only in how they end, as `notify` and `notification` do."""
    shorter, longer = sorted((term, word), key=len)
    root = shorter.rstrip("aeiouy")
    is_near = len(longer) - len(root) <= _LONGEST_ENDING
    return len(root) >= _LEAST_ROOT and longer.startswith(root) and is_near
