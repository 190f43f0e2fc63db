"""Replaying a materialization from what was recorded of it: resolve what it was made from, make it again, compare."""
