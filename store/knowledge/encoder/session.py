"""MiniLM, loaded: texts to vectors, in the calling thread.

The weights stay in the installed file, memory-mapped: processes that run it share their pages.
Measured, two threads: 35 MB of its own and 67 MB shared, 5 ms a query, 55 passages a second.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import onnxruntime  # pyright: ignore[reportMissingTypeStubs]  it has none: see _Model
from numpy.typing import NDArray
from tokenizers import Tokenizer

from store.knowledge.embedder import Vectors
from store.knowledge.encoder.graph import minilm
from store.knowledge.encoder.safetensors import places

MAX_TOKENS = 256  # of a text, as it was trained
BATCH_TOKENS = 256  # more at once is slower: 21 passages a second at 512, and attention is square
APART = -1e9  # added where two texts would see each other

_untyped = cast("Any", onnxruntime)  # what is used of it is typed here, by _Model


class _Model(Protocol):
    """An onnxruntime session."""

    def run(
        self, output_names: list[str], input_feed: dict[str, NDArray[Any]]
    ) -> list[NDArray[Any]]: ...


class Session:
    """One loaded model; safe to use from several threads at once."""

    def __init__(self, weights: Path, *, threads: int) -> None:
        weights = weights.resolve()  # onnxruntime refuses links that leave the folder
        self._tokenizer: Tokenizer = Tokenizer.from_file(str(weights.with_name("tokenizer.json")))
        self._tokenizer.no_padding()
        self._tokenizer.no_truncation()
        model = minilm(places(weights), file=weights.name)
        self._model = _opened(model, folder=weights.parent, threads=threads)

    def count(self, text: str) -> int:
        """The number of tokens of the text, without the two that frame it."""
        return len(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of unit length, of shape `(len(texts), 384)`."""
        tokens = [_cut(encoding.ids) for encoding in self._tokenizer.encode_batch(list(texts))]
        by_length = sorted(range(len(tokens)), key=lambda index: len(tokens[index]))
        vectors = np.empty((len(tokens), 384), np.float32)
        for batch in _batches(by_length, tokens):
            vectors[batch] = self._means([tokens[index] for index in batch])
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def _means(self, texts: Sequence[Sequence[int]]) -> Vectors:
        total = sum(len(ids) for ids in texts)
        bias = np.full((total, total), APART, np.float32)
        weights = np.zeros((len(texts), total), np.float32)
        begin = 0
        for row, ids in enumerate(texts):
            end = begin + len(ids)
            bias[begin:end, begin:end] = 0
            weights[row, begin:end] = 1 / len(ids)
            begin = end
        inputs: dict[str, NDArray[Any]] = {
            "ids": np.concatenate([np.asarray(ids, np.int64) for ids in texts]),
            "positions": np.concatenate([np.arange(len(ids)) for ids in texts]),
            "bias": bias,
            "weights": weights,
        }
        (means,) = self._model.run(["means"], inputs)
        return means


def _opened(model: bytes, *, folder: Path, threads: int) -> _Model:
    options = _untyped.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3  # errors alone
    entry = options.add_session_config_entry
    entry("session.model_external_initializers_file_folder_path", str(folder))
    # Prepacking copies the weights into private memory, 41 MB a process, to save 1-3 ms a query.
    entry("session.disable_prepacking", "1")
    entry("session.intra_op.allow_spinning", "0")  # it burns a core between runs
    return _untyped.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def _cut(ids: list[int]) -> list[int]:
    return ids if len(ids) <= MAX_TOKENS else [*ids[: MAX_TOKENS - 1], ids[-1]]


def _batches(order: Sequence[int], tokens: Sequence[Sequence[int]]) -> Iterator[list[int]]:
    batch: list[int] = []
    size = 0
    for index in order:
        if batch and size + len(tokens[index]) > BATCH_TOKENS:
            yield batch
            batch, size = [], 0
        batch.append(index)
        size += len(tokens[index])
    if batch:
        yield batch
