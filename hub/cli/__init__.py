"""The `pygent` command."""
