"""Probability that a transformer fails within 28 days: weekly features in, calibrated risk and drivers out."""
