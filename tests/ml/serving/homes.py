"""A small hand-made home: two trained models in a registry, their features and scores published, and a ledger."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid5

import duckdb
import numpy as np
import pandas as pd

from flows.warehouse.publish import publish_ledger, publish_snapshot
from ml.outage_risk.score import score as score_outages
from ml.outage_risk.train import train as train_outages
from ml.registry import ModelRegistry, RegisteredModel
from ml.transformer_failure.config import TransformerFailureConfig
from ml.transformer_failure.score import score as score_failures
from ml.transformer_failure.train import train as train_failures

if TYPE_CHECKING:
    from ml.training import TrainedModel
    from tests.ml.outage_risk.conftest import Inputs

NAMES = UUID("6ba7b810-9dad-11d1-80b4-00c04fd430c8")
NOW = datetime(2024, 1, 1, tzinfo=UTC)
DOUBT = "Unlike earlier years: peak_gust_forecast_mps."
FAILURE, OUTAGE = "transformer_failure", "outage_risk"
SCORES = {FAILURE: "ml/transformer_failure_scores", OUTAGE: "ml/outage_risk_scores"}


def materialization_id(key: str, version: str) -> str:
    return str(uuid5(NAMES, f"{key} {version}"))


@dataclass(frozen=True)
class ServedHome:
    """Where the home lies, and how its parts are changed."""

    path: Path

    def registry(self) -> ModelRegistry:
        return ModelRegistry(f"sqlite:///{self.path / 'mlflow' / 'mlflow.db'}", self.path / "mlflow" / "artifacts")

    def register(self, trained: TrainedModel, *, logical_version: str, is_champion: bool = True) -> RegisteredModel:
        registry = self.registry()
        registered = registry.register(
            trained,
            logical_version=logical_version,
            run_id=materialization_id("run", logical_version),
            data_versions={},
            code_version="code",
            parameters={},
        )
        if is_champion:
            registry.promote(registered.name, registered.version, reason="a test says so")
        return registered

    def artifact(self, registered: RegisteredModel) -> Path:
        return self.path / "mlflow" / "artifacts" / registered.artifact_uri / "model.skops"

    def publish(self, tables: dict[str, pd.DataFrame], *, version: str, champions: dict[str, RegisteredModel]) -> None:
        """Publish tables under their asset keys, each with a materialization named after the version."""
        with duckdb.connect() as connection:
            connection.execute("set TimeZone = 'UTC'")
            connection.execute(resources.files("flows.lineage").joinpath("schema.sql").read_text(encoding="utf-8"))
            for key, frame in tables.items():
                schema, _, name = key.partition("/")
                connection.execute(f"create schema if not exists {schema}")
                connection.register("rows_of_it", frame)
                connection.execute(f"create table {schema}.{name} as from rows_of_it")
                connection.unregister("rows_of_it")
                _record(connection, key, version=version, rows=len(frame), metadata={})
            for name, registered in champions.items():
                metadata = {
                    "model_version": registered.model_version,
                    "model_version_id": f"{name}:{registered.model_version}",
                }
                _record(connection, f"ml/{name}_model", version=version, rows=None, metadata=metadata)
                _link(connection, SCORES[name], f"ml/{name}_model", version)
            versions = dict.fromkeys(tables, version)
            folder = self.path / "published"
            publish_snapshot(connection, folder=folder, versions=versions)
            publish_ledger(connection, folder=folder)


def _record(
    connection: duckdb.DuckDBPyConnection, key: str, *, version: str, rows: int | None, metadata: dict[str, str]
) -> None:
    connection.execute(
        "insert into lineage.materialization (materialization_id, asset_key, run_id, code_version, data_version,"
        " logical_version, event_kind, row_count, metadata, valid_from, recorded_at)"
        " values (?, ?, ?, 'code', ?, ?, 'MATERIALIZED', ?, ?, ?, ?)",
        [
            *(materialization_id(key, version), key, materialization_id("run", version)),
            *(f"data of {key} {version}", version, rows, json.dumps(metadata), NOW, NOW),
        ],
    )


def _link(connection: duckdb.DuckDBPyConnection, key: str, upstream: str, version: str) -> None:
    connection.execute(
        "insert into lineage.materialization_input values (?, ?, ?, '', 'd', 'model')",
        [materialization_id(key, version), materialization_id(upstream, version), upstream],
    )


@dataclass(frozen=True)
class Trained:
    """What the home is made from."""

    failure: TrainedModel
    outage: TrainedModel
    fleet: pd.DataFrame
    inputs: Inputs


def train_both(fleet: pd.DataFrame, inputs: Inputs) -> Trained:
    return Trained(
        failure=train_failures(fleet, config=TransformerFailureConfig(tree_count=30)),
        outage=train_outages(*inputs.frames),
        fleet=fleet,
        inputs=inputs,
    )


def tables_of(trained: Trained, champions: dict[str, RegisteredModel], *, version: str) -> dict[str, pd.DataFrame]:
    """Return what a run would publish: features, and scores made by the batch functions."""
    failures = score_failures(trained.failure.model, trained.fleet)
    outages = batch_outages(trained)
    forecast = _full_forecast(trained.inputs.load_forecast)
    return {
        "features/feat_transformer_failure__weekly": trained.fleet,
        "features/feat_outage_risk__daily": trained.inputs.features,
        "marts/dim_transformers": transformers_of(trained),
        SCORES[FAILURE]: _stamped(failures, SCORES[FAILURE], version, champions[FAILURE].model_version),
        SCORES[OUTAGE]: _stamped(outages, SCORES[OUTAGE], version, champions[OUTAGE].model_version),
        "ml/load_forecast": _stamped(forecast, "ml/load_forecast", version, "1-aaaaaaaaaaaa"),
        "reports/rpt_storm_priority": _storm_list(outages, version, champions[OUTAGE].model_version),
    }


def transformers_of(trained: Trained) -> pd.DataFrame:
    """Return the register: the fleet, dealt out over the feeders."""
    assets = trained.fleet[["network_id", "asset_id"]].drop_duplicates().reset_index(drop=True)
    feeders = sorted(trained.inputs.features["feeder_id"].unique())
    return assets.assign(feeder_id=[feeders[place % len(feeders)] for place in range(len(assets))])


def batch_outages(trained: Trained) -> pd.DataFrame:
    """Return what batch scoring publishes."""
    failures = score_failures(trained.failure.model, trained.fleet)
    inputs = trained.inputs
    return score_outages(
        trained.outage.model, inputs.features, failures, transformers_of(trained), inputs.load_forecast
    )


def _stamped(rows: pd.DataFrame, key: str, version: str, model_version: str) -> pd.DataFrame:
    return rows.assign(
        run_id=materialization_id("run", version),
        materialization_id=materialization_id(key, version),
        model_version=model_version,
        scored_at=pd.Timestamp(NOW),
    )


def _full_forecast(hours: pd.DataFrame) -> pd.DataFrame:
    ahead = (hours["valid_at"] - hours["issued_at"]).dt.total_seconds() / 3_600
    return hours.assign(
        series_type="feeder",
        horizon_hours=ahead.astype("int32") + 1,
        score_kind="live",
        p05_load_mw=hours["p50_load_mw"] - 1,
        p95_load_mw=hours["p50_load_mw"] + 1,
        baseline_load_mw=hours["p50_load_mw"],
        forecast_source="model",
        temperature_source="none",
        is_fallback=False,
    )


def _storm_list(outages: pd.DataFrame, version: str, model_version: str) -> pd.DataFrame:
    ranked = outages.sort_values("expected_customers_out", ascending=False).reset_index(drop=True)
    rows = ranked.assign(
        priority_rank=np.arange(len(ranked), dtype="int32") + 1,
        substation_id="S1",
        priority_score=ranked["expected_customers_out"] * 60,
        expected_restoration_minutes=60.0,
        peak_gust_forecast_mps=12.0,
        reason_text="made up",
        is_low_confidence=ranked.index == 0,
        low_confidence_reason=np.array([DOUBT, *[None] * (len(ranked) - 1)], dtype=object),
    )
    return _stamped(rows.drop(columns="score_kind"), SCORES[OUTAGE], version, model_version)


def make_home(folder: Path, trained: Trained) -> dict[str, Any]:
    """Make a home and return which versions it serves."""
    home = ServedHome(folder)
    champions = {
        FAILURE: home.register(trained.failure, logical_version="first"),
        OUTAGE: home.register(trained.outage, logical_version="first"),
    }
    home.publish(tables_of(trained, champions, version="1"), version="1", champions=champions)
    return {name: each.model_version for name, each in champions.items()}
