"""A model that is no language model: it answers by quoting the passages that were found."""
