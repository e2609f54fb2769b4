"""The workers, and the scheduler: they claim tasks, make attempts, and keep the log in order."""
