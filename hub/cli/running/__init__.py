"""Running a factory: its servers and parts started, looked after and ended together."""
