"""Documents made into passages that can be found: loaders, chunks, embedders, search.

What may be asked of them is in `store/operations/knowledge.py`.
"""
