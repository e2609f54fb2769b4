"""What keeps the promise of an embedder, and which one is used here.

MiniLM where its weights are installed; otherwise feature hashing, which knows words and no
meanings: every answer names its embedder, so that nobody takes one for the other.
"""

from store.knowledge.embedder import Embedder
from store.knowledge.embedders.hashing import Hashing
from store.knowledge.embedders.minilm import MiniLM, installed_weights


def choose_embedder() -> Embedder:
    """The best embedder of this installation; nothing is loaded before its first use."""
    weights = installed_weights()
    return Hashing() if weights is None else MiniLM(weights)
