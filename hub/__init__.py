"""The real-time server: fans events out, answers every protocol, knows who is asking."""
