"""Recording model versions in the ledger.

What lives here: one row of `lineage.model_version`. What does not: the registry itself (ml.registry).
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from flows.lineage.audit.chain import append_rows

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    import duckdb

    from ml.registry import RegisteredModel
    from ml.training import TrainedModel


def record_model_version(
    cursor: duckdb.DuckDBPyConnection,
    *,
    trained: TrainedModel,
    registered: RegisteredModel,
    materialization_id: UUID,
    run_id: UUID,
    created_at: datetime,
) -> None:
    """Record a trained version with its figures, once."""
    new = cursor.execute(
        "insert or ignore into lineage.model_version values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
        " returning model_version_id",
        [
            f"{registered.name}:{registered.model_version}",
            registered.name,
            registered.artifact_uri,
            registered.artifact_sha256,
            trained.estimator_name,
            json.dumps(dict(trained.hyperparameters), sort_keys=True, default=str),
            json.dumps(list(trained.feature_columns)),
            json.dumps([row.as_json() for row in trained.metrics], sort_keys=True),
            materialization_id,
            run_id,
            created_at,
        ],
    ).fetchall()
    append_rows(cursor, "model_version", new, recorded_at=created_at)
