"""The scoring API: published scores, forecasts and lineage over HTTP, and scoring of rows that clients send.

What lives here: an entry point beside `flows.cli` and `flows.web`. What does not: arithmetic of models (the use cases),
publishing (`flows.warehouse.publish`). `README.md` is the map.
"""
