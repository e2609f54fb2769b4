"""Words as they are compared: in small letters, without endings, and which mean nearly the same.

As much English as telling sentences apart needs. Meanings were judged by the search's vectors; this
says only which of a passage's words are those of the question.
"""

import re
from itertools import chain

from agents.models.extractive.spelling import as_written

_WORD = re.compile(r"[^\W_]+(?:[-_'][^\W_]+)*")
_LOG_IN = re.compile(
    r"\b(?:log|sign)(?:(?:ged|ging)?|s?\s+(?:you|me|us|her|him|them))\s+in(?:to)?\b", re.IGNORECASE
)
_FIND_OUT = re.compile(r"\b(?:find|finding|figure) out\b", re.IGNORECASE)
_PARTS = re.compile(r"[-_']")
_ENDINGS = (
    ("izations", ""),
    ("ization", ""),
    ("ations", ""),
    ("ation", ""),
    ("ments", ""),
    ("ment", ""),
    ("ions", ""),
    ("ion", ""),
    ("ings", ""),
    ("ing", ""),
    ("ies", "y"),
    ("ied", "y"),
    ("ed", ""),
    ("s", ""),
)
_LEAST_STEM = 3
_STOP_WORDS = frozenset(
    re.findall(
        r"\w+",
        """a about actually all am an and any anything anywhere are as at avoid be been being
        between but by can could d did difference differ do does doesn don exactly for from get give
        go goes going got had happen happens has have hello help here hi how i if in into is
        isn it its itself just know let like ll many may me mean means meant might more much must
        my need no not now of on once one or our ours people please possible possibly re s
        shall she should show so some something sort t tell than thank thanks that the their
        them then there these they thing things this those times to too us use used using ve
        very want was way we were what whats when where which who whom whose why will with without
        work works would you your explain describe
        und der die das ist wie was ein eine ich""",
    ),
)
_QUESTION_WORDS = frozenset(("what", "where", "which", "when", "does", "explain", "describe"))
# They shape a question more than they say what it is about, however rare they are in documents.
_EVERYDAY = """
    across after again against allow already always among another anybody anyone back before
    behind best better both bring call current different doing during each earlier early easiest
    easily easy else enough ever every everybody everyone everything except fastest few find
    first give given good great handle instead keep last late later least less long look made
    make making never next nice nobody none nothing off often old oldest only onto other others
    out over own per prefer properly put quick quickest quickly quite rather reach really
    recommend right same say see seem seen self several simple simplest simply since somebody
    someone soon soonest still stuff suggest suppose sure take taken than think though through
    time today together toward towards try turn two under understand until up upon usual via way
    well whether while whole within without wonder wrong yet yourself
"""
# Everyday words of one meaning, where somebody who asks has other words than who has written.
_NEAR = """
    die dy kill crash fail failure break broken down dead death lose lost outage unavailable survive
    restart die dy kill
    add ingest upload import load
    change edit modify update set configure
    delete remove drop
    file document
    format type kind
    large big size huge long maximum max limit most
    cost price money budget expensive pay spend
    begin start launch boot
    start run
    stop end quit exit shut
    cancel abort stop
    create make new define write
    retry again repeat
    twice again repeat duplicate
    resume reconnect recover continue
    follow watch tail
    login link password sign
    key token credential secret
    machine computer host laptop
    environment variable setting option config configuration
    offline internet network
    several multiple
    watcher watch
    monitor metric watch
    token key
    question ask
    find search look
    locate lie store keep kept
    leave send sent
    install setup package download
    version newer newest latest release
    update upgrade
    uninstall remove delete
    fast quick speed slow latency performance
    user person member account
    folder directory
    notify alert
    safe safely secure security protect
    windows linux macos
"""


def terms(text: str) -> list[str]:
    """The words that carry meaning, in their order; parts of a compound follow it."""
    plain = _FIND_OUT.sub("", _LOG_IN.sub("login", text))
    words = (word.lower().strip("'") for word in _WORD.findall(plain))
    parts = chain.from_iterable([word, *_parts(word)] for word in words)
    return [stem(word) for word in parts if word and not _is_stop_word(word)]


def _parts(word: str) -> list[str]:
    """Of a compound, without single letters and digits: they say nothing alone."""
    return [part for part in _PARTS.split(word) if len(part) > 1] if _PARTS.search(word) else []


def _is_stop_word(word: str) -> bool:
    return word in _STOP_WORDS or word.removesuffix("s") in _STOP_WORDS


def stem(word: str) -> str:
    """Without its ending, so that `run`, `runs` and `running` are one; not always a word."""
    for ending, instead in _ENDINGS:
        kept = word.removesuffix(ending)
        if kept != word and len(kept) + len(instead) >= _LEAST_STEM and not kept.endswith("s"):
            word = kept + instead
            break
    word = word.removesuffix("e") if len(word) > _LEAST_STEM else word
    return word[:-1] if len(word) > _LEAST_STEM and word[-1] == word[-2] else word


def _near() -> dict[str, frozenset[str]]:
    near: dict[str, frozenset[str]] = {}
    for line in _NEAR.strip().splitlines():
        group = frozenset(stem(word) for word in line.split())
        for word in group:
            near[word] = near.get(word, frozenset()) | group - {word}
    return near


_NEAR_BY_STEM = _near()
_EVERYDAY_STEMS = frozenset(map(stem, _EVERYDAY.split())) - _NEAR_BY_STEM.keys()


def near(term: str) -> frozenset[str]:
    """Terms that mean nearly the same as this one, without it."""
    return _NEAR_BY_STEM.get(term, frozenset())


def is_question_word(term: str) -> bool:
    """Whether a question begins with it, or with what is one slip of the keys away from that."""
    return as_written(term, _QUESTION_WORDS) in _QUESTION_WORDS


def is_everyday(term: str) -> bool:
    """Whether it says little of what a question is about."""
    return term in _EVERYDAY_STEMS
