"""What anyone may ask of the factory: one small promise per noun, free of any protocol."""
