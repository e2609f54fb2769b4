"""The event log: appended to in batches, published after the commit, read by its numbers."""
