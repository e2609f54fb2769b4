"""Everything that outlives a process, and what may be done with it."""
