"""A store of its own, with the product's own documentation read into it."""

from tests.store.conftest import store as store
