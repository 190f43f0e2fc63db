"""Suites at the border between the models and everyone who acts on scores."""
