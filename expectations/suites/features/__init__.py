"""Suites at the border between the warehouse and the models."""
