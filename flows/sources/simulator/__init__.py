"""A small utility in a box: plays the outside world and hands files over as real systems do.

What lives here: the physics and statistics of one simulated network, its defects, and the truth about both.
What does not: reading the files (`flows.sources.file_connector`). `simulation.simulate` is the entry point.
"""
