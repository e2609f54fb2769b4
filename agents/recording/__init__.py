"""How an attempt is written down: in order, at a pace; and what earlier attempts did."""
