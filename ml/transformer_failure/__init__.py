"""Probability that a transformer fails within 28 days, with its interval and its drivers."""
