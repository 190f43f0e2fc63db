"""Connectors: delivered files of a source system, turned into Parquet in the shape of a raw table.

What lives here: source descriptions (`configuration`), the raw tables' shape (`raw_tables`), the one file
connector (`file_connector`) and a simulator that plays the outside world (`simulator`). What does not: the
lake, loads and `raw.*` views, which are `flows.warehouse`; judging values, which is dbt and the gates.
"""
