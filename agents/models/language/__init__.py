"""Language models of other people's servers, through pydantic-ai.

Nothing here is imported until an agent asks for such a model: the packages take 60 MB and more.
"""
