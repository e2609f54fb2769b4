"""The language: what a task, an event, a channel is, and what may be asked of the factory.

Native types at the bottom, operations above them, one binding for each outside protocol on top.
Nothing in here imports another package of ours.
"""
