"""Suites, one file per asset, named like it: `build()` returns the suite."""
