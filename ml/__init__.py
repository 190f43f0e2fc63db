"""Models of gridweave: one package per use case, shared evaluation, and the registry.

What lives here: training, scoring and judging models on pandas frames. What does not: reading or
writing the warehouse (`flows`), checks on what models eat and publish (`expectations`).
"""
