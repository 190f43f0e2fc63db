"""Prefect flows, thin: read settings, call one function, return the summary."""
