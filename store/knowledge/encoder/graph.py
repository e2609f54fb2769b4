"""MiniLM's forward pass as an ONNX graph over the tensors of its safetensors file.

Several texts stand one after another in one sequence, without padding: `bias` keeps them from
seeing each other, and `weights` takes the mean of each. So a batch costs what its tokens cost.

Source: BERT as in MiniLM-L6-H384's config.json; post-norm, exact gelu.
"""

from collections.abc import Mapping

from store.knowledge.encoder import onnx
from store.knowledge.encoder.safetensors import Place

OPSET = 23  # the first with Attention; Gelu came with 20, LayerNormalization with 17
LAYERS, HEADS, HIDDEN = 6, 12, 384
EPSILON = 1e-12


def minilm(tensors: Mapping[str, Place], *, file: str) -> bytes:
    """The model, as bytes of ONNX.

    Inputs, for n tokens of k texts: `ids` (n) of the vocabulary, `positions` (n) each within its
    text, `bias` (n, n) added to the attention, `weights` (k, n) of the mean. Output: `means`
    (k, 384), not of unit length.
    """
    used = {name: place for name, place in tensors.items() if not name.startswith("pooler.")}
    graph = onnx.graph(
        "minilm",
        nodes=[
            *_embeddings(),
            *(node for layer in range(LAYERS) for node in _layer(layer)),
            onnx.node("MatMul", ["weights", f"hidden.{LAYERS}"], "means"),
        ],
        initializers=[
            onnx.integers("first", [0]),
            onnx.integers("flat", [-1, HIDDEN]),
            onnx.integers("one_sequence", [1, -1, HIDDEN]),
            *(
                onnx.stored(name, at.shape, file=file, offset=at.offset, length=at.length)
                for name, at in used.items()
            ),
        ],
        inputs=[
            onnx.value("ids", onnx.INT64, ["n"]),
            onnx.value("positions", onnx.INT64, ["n"]),
            onnx.value("bias", onnx.FLOAT, ["n", "n"]),
            onnx.value("weights", onnx.FLOAT, ["k", "n"]),
        ],
        outputs=[onnx.value("means", onnx.FLOAT, ["k", HIDDEN])],
    )
    return onnx.model(graph, opset=OPSET)


def _embeddings() -> list[bytes]:
    return [
        onnx.node("Gather", ["embeddings.word_embeddings.weight", "ids"], "words"),
        onnx.node("Gather", ["embeddings.position_embeddings.weight", "positions"], "places"),
        onnx.node("Gather", ["embeddings.token_type_embeddings.weight", "first"], "kind"),
        onnx.node("Add", ["words", "places"], "placed"),
        onnx.node("Add", ["placed", "kind"], "embedded"),
        _normalized("embedded", "embeddings.LayerNorm", "hidden.0"),
    ]


def _layer(number: int) -> list[bytes]:
    tensor, own, before = f"encoder.layer.{number}", f".of.{number}", f"hidden.{number}"
    nodes: list[bytes] = []
    for part in ("query", "key", "value"):
        nodes += [
            _linear(before, f"{tensor}.attention.self.{part}", part + own),
            onnx.node("Reshape", [part + own, "one_sequence"], f"{part}.shaped{own}"),
        ]
    shaped = [f"{part}.shaped{own}" for part in ("query", "key", "value")]
    return [
        *nodes,
        onnx.node(
            "Attention", [*shaped, "bias"], "context" + own, q_num_heads=HEADS, kv_num_heads=HEADS
        ),
        onnx.node("Reshape", ["context" + own, "flat"], "seen" + own),
        _linear("seen" + own, f"{tensor}.attention.output.dense", "mixed" + own),
        onnx.node("Add", ["mixed" + own, before], "attended" + own),
        _normalized("attended" + own, f"{tensor}.attention.output.LayerNorm", "middle" + own),
        _linear("middle" + own, f"{tensor}.intermediate.dense", "wide" + own),
        onnx.node("Gelu", ["wide" + own], "bent" + own),
        _linear("bent" + own, f"{tensor}.output.dense", "narrow" + own),
        onnx.node("Add", ["narrow" + own, "middle" + own], "thought" + own),
        _normalized("thought" + own, f"{tensor}.output.LayerNorm", f"hidden.{number + 1}"),
    ]


def _linear(taken: str, tensor: str, given: str) -> bytes:
    return onnx.node("Gemm", [taken, f"{tensor}.weight", f"{tensor}.bias"], given, transB=1)


def _normalized(taken: str, tensor: str, given: str) -> bytes:
    inputs = [taken, f"{tensor}.weight", f"{tensor}.bias"]
    return onnx.node("LayerNormalization", inputs, given, axis=-1, epsilon=EPSILON)
