"""Feature hashing: vectors from words and their parts, without weights.

It finds what shares words, or most letters of them, with a query: `embedding` is near `embeddings`.
It knows no meanings; answers name it, so that nobody expects them.

Source: Weinberger et al., Feature Hashing for Large Scale Multitask Learning, 2009.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from hashlib import blake2b

import anyio
import numpy as np
from anyio.to_thread import run_sync

from store.knowledge.embedder import DIMENSIONS, Vectors

WORD = re.compile(r"\w+")
GRAM_LENGTHS = (3, 4)
GRAM_WEIGHT = 0.25  # a word has about as many grams as letters; together they weigh as much as it
CHARACTERS_A_TOKEN = 4
# Words so common that sharing them says nothing.
COMMON_WORDS = (
    "a an and are as at be by can do does for from has have how i if in is it its not of on or "
    "that the this to was what when where which who why will with you your"
)
COMMON = frozenset(COMMON_WORDS.split())


class Hashing:
    """Keeps `Embedder`."""

    name = "hashing"
    dimensions = DIMENSIONS

    def __init__(self) -> None:
        self._turn = anyio.CapacityLimiter(1)  # Python's own lock lets no two run at once

    def count_tokens(self, text: str) -> int:
        """An estimate by characters: there is no capacity to exceed."""
        return len(text) // CHARACTERS_A_TOKEN

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """As promised; a few thousand passages a second."""
        return await run_sync(partial(_vectors, list(texts)), limiter=self._turn)

    async def embed_query(self, text: str) -> Vectors:
        """As promised; queries and passages are embedded alike."""
        vectors = await self.embed_passages([text])
        return vectors[0]


def _vectors(texts: Sequence[str]) -> Vectors:
    vectors = np.zeros((len(texts), DIMENSIONS), np.float32)
    for vector, text in zip(vectors, texts, strict=True):
        for feature, weight in _features(text):
            number = int.from_bytes(blake2b(feature.encode(), digest_size=8).digest(), "little")
            sign = 1.0 if number & 1 else -1.0  # collisions cancel out instead of adding up
            vector[(number >> 1) % DIMENSIONS] += sign * weight
    vectors[~vectors.any(axis=1), 0] = 1  # a text without words still has a direction
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def _features(text: str) -> Iterator[tuple[str, float]]:
    words = Counter(WORD.findall(text.casefold()))
    for word, times in words.items():
        if word in COMMON:
            continue
        weight = 1 + math.log(times)
        yield word, weight
        framed = f"<{word}>"
        for length in GRAM_LENGTHS:
            for begin in range(len(framed) - length + 1):
                yield framed[begin : begin + length], weight * GRAM_WEIGHT
