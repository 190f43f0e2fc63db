"""gridweave's orchestration: assets, ledger, warehouse, sources, engine, pipelines, command line."""
