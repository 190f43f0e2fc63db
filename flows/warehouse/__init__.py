"""The lake of immutable Parquet, the one DuckDB file, its owner, and the published snapshot."""
