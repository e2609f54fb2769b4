"""The HTTP API: what servers tell the hub, `POST /api/<method>` with an API key.

Source: the protocol's HTTP API; its official clients (`cent`) work unchanged.
"""
