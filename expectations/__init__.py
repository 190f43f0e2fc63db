"""Data-quality gates of gridweave: Great Expectations suites and the code that runs them on DuckDB.

What lives here: the three gates (raw, features, scores). What does not: relations between tables
(dbt data tests), logic of one model (dbt unit tests), freshness and row counts against history
(flows.engine).
"""
