"""Who is asking: tickets, sessions and keys become a `Principal`. What they may: `store.access`."""
