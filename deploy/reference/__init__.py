"""The reference pages of `docs/`, made from the code: settings, commands, REST, events, metrics.

`python -m deploy.reference` writes what it finds into the marked places of the pages; a test
compares. What stands around the marks is written by hand. Nothing is started or asked for it.
"""
