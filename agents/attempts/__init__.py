"""Attempts at tasks: here, or in a process of their own after a death; attended and watched."""
