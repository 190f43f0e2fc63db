"""What a step records beside what it writes."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast
from uuid import UUID, uuid4

import pandas as pd
import pytest

from flows.assets.definition import AssetDefinition
from flows.assets.plan import Cause, staleness
from flows.engine.steps.context import StepContext
from flows.errors import AssetError
from flows.lineage.recorder import record_materialization
from flows.lineage.records import InputRecord, MaterializationRecord
from flows.lineage.state import recorded_state
from flows.settings import Settings
from flows.warehouse.lake import Lake
from flows.warehouse.warehouse import Warehouse, open_warehouse

NOW = datetime(2026, 1, 5, 6, tzinfo=UTC)
MODEL = AssetDefinition(key="ml/demand_model", engine="python", kind="model", deps=("features/feat_demand",))
SCORES = AssetDefinition(key="ml/demand", engine="python", kind="scores", deps=("ml/demand_model",))
RUN = UUID(int=1)


def record(warehouse: Warehouse, key: str, data_version: str, inputs: dict[str, tuple[str, str]]) -> str:
    identifier = uuid4()
    made = MaterializationRecord(
        materialization_id=identifier,
        asset_key=key,
        run_id=RUN,
        code_version="",
        data_version=data_version,
        logical_version="",
        valid_from=NOW,
        row_count=1,
        inputs=tuple(
            InputRecord(upstream_key=name, materialization_id=each, data_version=version)
            for name, (each, version) in inputs.items()
        ),
    )
    with warehouse.transaction() as cursor:
        record_materialization(cursor, made, recorded_at=NOW)
    return str(identifier)


def context(warehouse: Warehouse, home: Path, definition: AssetDefinition, champion_sha256: str) -> StepContext:
    champion = SimpleNamespace(
        name="demand", version=1, model_version="1-old", artifact_sha256=champion_sha256, artifact_uri="1"
    )
    return StepContext(
        definition=definition,
        warehouse=warehouse,
        lake=Lake(home),
        registry=lambda: cast("Any", SimpleNamespace(champion=lambda _: champion)),
        settings=Settings(home=home),
        run_id=RUN,
        materialization_id=uuid4(),
        environment_id="",
        clock=lambda: NOW,
        declared_columns={},
    )


def test_a_champion_chosen_by_hand_makes_its_scores_stale_and_nothing_else(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "w.duckdb") as warehouse:
        features = record(warehouse, "features/feat_demand", "f1", {})
        model = record(warehouse, MODEL.key, "model:new", {"features/feat_demand": (features, "f1")})
        record(warehouse, SCORES.key, "s1", {MODEL.key: (model, "model:new")})

        context(warehouse, tmp_path, MODEL, "old").take_champion("demand", reason="the new one drifts")

        state = recorded_state(warehouse.cursor())
    assert state[MODEL.key].data_version == "model:old"
    assert staleness(MODEL, state[MODEL.key], state, "") == {}
    assert list(staleness(SCORES, state[SCORES.key], state, "")) == [Cause.DATA]


def test_a_table_that_is_declared_nowhere_is_named(tmp_path: Path) -> None:
    with open_warehouse(tmp_path / "w.duckdb") as warehouse:
        step = context(warehouse, tmp_path, SCORES, "old")
        frame = pd.DataFrame({"a": [1]})

        with pytest.raises(AssetError, match="ml/demand writes a table whose columns are not declared"):
            step.write(frame, model_version="1")
