"""Column lineage of one SQL query. The only package that knows sqlglot."""
