"""What the cleaning rules find, against what is known to be wrong. `gridweave quality check-rules` prints it."""
