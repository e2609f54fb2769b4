"""`pygent top`: the factory in a terminal, live: feeds, what they add up to, and how it looks."""
