"""The pages: a client of the hub like any other."""
