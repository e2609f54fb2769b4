"""The Centrifugal client protocol over WebSocket, as the official clients speak it."""
