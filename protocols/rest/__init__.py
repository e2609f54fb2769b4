"""REST: the operations as resources over HTTP, their stream as SSE, and the client of both.

A binding: it translates and nothing else. Who asks, and what keeps the operations, is given to it
in a `Backing`; it imports no process and no store.
"""
