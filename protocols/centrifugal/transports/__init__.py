"""Where no WebSocket gets through: the same connections over plain HTTP.

What the hub says is the body of an answer that does not end; what the client says comes by requests
of their own. Which commands there are, and what they are answered, is the same on every transport.
"""
