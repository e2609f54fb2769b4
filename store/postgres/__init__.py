"""What is true: the event log and every table beside it, in Postgres."""
