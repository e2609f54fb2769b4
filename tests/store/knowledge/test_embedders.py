"""One suite for every embedder; then what only MiniLM must do."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tokenizers import Tokenizer

from protocols.errors import Unavailable
from store.knowledge.embedder import Embedder
from store.knowledge.embedders import choose_embedder, minilm
from store.knowledge.embedders.hashing import Hashing
from store.knowledge.embedders.minilm import MiniLM, installed_weights
from store.knowledge.encoder.safetensors import places

QUESTION = "How do I reset my password?"
PARAPHRASE = "Steps to recover a forgotten login"
UNRELATED = "The cat sat on the mat"


def weights() -> Path:
    found = installed_weights()
    assert found is not None, "the weights are not installed: make install-test"
    return found


@pytest.fixture(params=["minilm", "hashing"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    return Hashing() if request.param == "hashing" else MiniLM(weights())


async def test_vectors_have_unit_length_and_are_the_same_every_time(embedder: Embedder) -> None:
    texts = [QUESTION, "", "word " * 2000, "…", UNRELATED]
    first = await embedder.embed_passages(texts)
    again = await embedder.embed_passages(texts)
    assert (first.shape, first.dtype) == ((5, embedder.dimensions), np.float32)
    assert np.allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    assert np.array_equal(first, again)


async def test_a_text_has_the_same_vector_alone_and_among_others(embedder: Embedder) -> None:
    many = [f"{UNRELATED}, {'and on ' * number}" for number in range(40)]
    together = await embedder.embed_passages([*many, QUESTION])
    alone = await embedder.embed_query(QUESTION)
    assert float(together[40] @ alone) > 0.99999


async def test_no_texts_have_no_vectors(embedder: Embedder) -> None:
    assert (await embedder.embed_passages([])).shape == (0, embedder.dimensions)


async def test_shared_words_are_near(embedder: Embedder) -> None:
    query, near, far = await embedder.embed_passages(
        ["document embeddings", "the embedding of a document", UNRELATED]
    )
    assert query @ near > query @ far + 0.3


async def test_hashing_never_changes() -> None:
    vector = await Hashing().embed_query(QUESTION)
    rounded = np.round(vector, 4).astype("<f4") + 0.0  # no negative zeros
    assert hashlib.sha256(rounded.tobytes()).hexdigest()[:16] == "128791da6bb0e84a"


async def test_minilm_is_chosen_where_its_weights_are() -> None:
    assert choose_embedder().name == "minilm"


async def test_hashing_is_chosen_where_weights_are_absent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(minilm, "DISTRIBUTION", "there-is-no-such-distribution")
    assert choose_embedder().name == "hashing"


async def test_minilm_finds_a_paraphrase_without_a_shared_word() -> None:
    question, paraphrase, unrelated = await MiniLM(weights()).embed_passages(
        [QUESTION, PARAPHRASE, UNRELATED]
    )
    assert question @ paraphrase > 0.5 > 0.2 > question @ unrelated


async def test_minilm_equals_bert_computed_by_hand() -> None:
    texts = [QUESTION, "Ein Satz, auf Deutsch; mit `code` & 数字 42.", "long " * 300]
    found = await MiniLM(weights()).embed_passages(texts)
    for text, vector in zip(texts, found, strict=True):
        assert float(vector @ bert(text)) > 0.9999


async def test_weights_that_are_not_the_known_ones_are_never_used(tmp_path: Path) -> None:
    changed = bytearray(weights().read_bytes())
    changed[-1] ^= 1
    (tmp_path / "model.safetensors").write_bytes(changed)
    with pytest.raises(Unavailable, match=r"model\.safetensors of .* has SHA-256 .*, not 53aa5117"):
        await MiniLM(tmp_path / "model.safetensors").embed_query(QUESTION)


def bert(text: str) -> NDArray[np.float32]:
    """The forward pass as BERT's paper has it, in numpy; slow, and by another hand than ours."""
    file = weights()
    data = np.memmap(file, np.uint8, "r")
    w = {name: np.ndarray(at.shape, "<f4", data, at.offset) for name, at in places(file).items()}
    ids = Tokenizer.from_file(str(file.with_name("tokenizer.json")))
    ids.no_padding()
    ids.enable_truncation(256)
    tokens = ids.encode(text).ids

    def norm(x: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        x = (x - x.mean(-1, keepdims=True)) / np.sqrt(x.var(-1, keepdims=True) + 1e-12)
        return x * w[f"{name}.weight"] + w[f"{name}.bias"]

    def linear(x: NDArray[np.float32], name: str) -> NDArray[np.float32]:
        return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]

    e = "embeddings"
    x = w[f"{e}.word_embeddings.weight"][tokens] + w[f"{e}.token_type_embeddings.weight"][0]
    x = norm(x + w[f"{e}.position_embeddings.weight"][: len(tokens)], f"{e}.LayerNorm")
    for number in range(6):
        at = f"encoder.layer.{number}"
        q, k, v = (
            linear(x, f"{at}.attention.self.{part}").reshape(-1, 12, 32).transpose(1, 0, 2)
            for part in ("query", "key", "value")
        )
        scores = q @ k.transpose(0, 2, 1) / np.float32(32**0.5)
        scores = np.exp(scores - scores.max(-1, keepdims=True))
        mixed = (scores / scores.sum(-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(-1, 384)
        x = norm(
            x + linear(mixed, f"{at}.attention.output.dense"), f"{at}.attention.output.LayerNorm"
        )
        wide = linear(x, f"{at}.intermediate.dense")
        wide = wide * 0.5 * (1 + erf(wide / np.float32(2**0.5)))
        x = norm(x + linear(wide, f"{at}.output.dense"), f"{at}.output.LayerNorm")
    mean = x.mean(0)
    return np.asarray(mean / np.linalg.norm(mean), np.float32)


def erf(x: NDArray[np.float32]) -> NDArray[np.float32]:
    """Abramowitz and Stegun 7.1.26: off by at most 1.5e-7."""
    t = 1 / (1 + 0.3275911 * np.abs(x))
    series = t * (
        0.254829592 + t * (-0.284496736 + t * (1.421413741 + t * (-1.453152027 + t * 1.061405429)))
    )
    return (np.sign(x) * (1 - series * np.exp(-x * x))).astype(np.float32)
