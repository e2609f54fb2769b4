"""A small BERT run by onnxruntime straight from its safetensors file.

`session` is the door. Nothing in here knows the database or the promise of an embedder.
"""
