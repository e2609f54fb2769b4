"""The promise of an embedder: texts become vectors whose nearness is nearness of meaning.

Kept by the modules of `embedders/`, which are chosen there. Used by the ingest job for passages
and by search for queries.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

DIMENSIONS = 384  # of the table `embedding_384`

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Texts to vectors of unit length; the same text always gives the same vector.

    Vectors of embedders with different names must never be compared.
    """

    @property
    def name(self) -> str:
        """As it stands beside its vectors in the database, and in answers."""
        ...

    @property
    def dimensions(self) -> int:
        """Length of each vector."""
        ...

    def count_tokens(self, text: str) -> int:
        """Its length as the embedder counts it; passages should stay under 256. From any thread."""
        ...

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Vectors of shape `(len(texts), dimensions)`; what is too long is cut at its end.

        Raises:
            Unavailable: The weights cannot be used; the message says why.
        """
        ...

    async def embed_query(self, text: str) -> Vectors:
        """One vector, of shape `(dimensions,)`, to be compared with those of passages."""
        ...
