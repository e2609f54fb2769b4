"""What a factory is made of: every package it installs, what they carry, what is in its pages.

`python -m deploy.inventory licences` writes the list and the notices, and refuses what may not be
shipped; `… sbom` writes a bill of materials. Nothing of it is shipped, and none of our packages is
imported. The licences are read from what is installed; what it does not say stands in `facts.toml`.
"""
