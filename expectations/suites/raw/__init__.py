"""Suites at the border between delivered files and the warehouse."""
