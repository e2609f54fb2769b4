"""What is happening, in Redis or Valkey: wake-ups, and the short histories of feeds.

Nothing in here is true on its own: whoever loses it loses time, never an event of the log.
"""
