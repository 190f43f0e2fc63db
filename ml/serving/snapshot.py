"""The published snapshot as the API holds it: one connection, and the live features ready to be scored.

What lives here: opening, asking within a time, closing. What does not: when another one is taken over (`watcher`), SQL
of the routes (`published`). Everything a client sends reaches SQL as a bound parameter.
"""

from __future__ import annotations

import asyncio
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb
import numpy as np

from flows.errors import WarehouseError
from flows.warehouse.frames import read_frame
from flows.warehouse.reader import open_reader, time_limit
from ml.serving.use_cases import USE_CASES
from ml.transformer_failure.config import USE_CASE as TRANSFORMER_FAILURE

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from ml.metrics import Floats

QUERY_SECONDS = 10.0
Signature = tuple[tuple[int, int, int] | None, ...]
FILES = ("current.duckdb", "ledger.duckdb")
OUTAGE_INPUTS = ("ml.transformer_failure_scores", "marts.dim_transformers", "ml.load_forecast")


@dataclass(frozen=True, kw_only=True)
class LiveFeatures:
    """The live rows of a feature table.

    Attributes:
        data_version: Data version of the published table.
        materialization_id: What made it.
        network_ids: Network of each row.
        entities: Asset or feeder of each row.
        labels: Per row, what else the answer says of it.
        matrix: Features, shape (n, n_features).
        places: Rows of each entity, by (network, entity).
        networks: Networks each entity is in.
    """

    data_version: str
    materialization_id: str
    network_ids: tuple[str, ...]
    entities: tuple[str, ...]
    labels: tuple[dict[str, str], ...]
    matrix: Floats
    places: Mapping[tuple[str, str], tuple[int, ...]]
    networks: Mapping[str, tuple[str, ...]]


class PublishedSnapshot:
    """An open snapshot. Made by `open_snapshot`; `close` when nothing asks it any more."""

    def __init__(self, resources: ExitStack, connection: duckdb.DuckDBPyConnection, signature: Signature) -> None:
        self._resources = resources
        self._connection = connection
        self.signature = signature
        self.features: dict[str, LiveFeatures] = {}

    async def ask(self, statement: str, parameters: Mapping[str, object]) -> list[dict[str, Any]]:
        """Run one of our statements in a thread and return its rows; none when its table is not published."""
        return await asyncio.to_thread(self.ask_now, statement, parameters)

    def ask_now(self, statement: str, parameters: Mapping[str, object]) -> list[dict[str, Any]]:
        """Run one of our statements.

        Raises:
            WarehouseError: It took too long.
        """
        cursor = self._connection.cursor()
        try:
            with time_limit(cursor, QUERY_SECONDS):
                answer = cursor.execute(statement, dict(parameters))
                names = [column[0] for column in answer.description or ()]
                return [dict(zip(names, row, strict=True)) for row in answer.fetchall()]
        except duckdb.CatalogException:
            return []
        finally:
            cursor.close()

    def load_features(self) -> None:
        """Read the live rows of every use case that is published."""
        for name, read in ((TRANSFORMER_FAILURE, self._failure_rows), ("outage_risk", self._outage_rows)):
            frame = read()
            if frame is not None and len(frame):
                self.features[name] = self._arranged(name, frame)

    def close(self) -> None:
        """Close the connection."""
        self._resources.close()

    def _failure_rows(self) -> pd.DataFrame | None:
        return self._frame("features.feat_transformer_failure__weekly where is_live")

    def _outage_rows(self) -> pd.DataFrame | None:
        """Return live feeder-days as batch scoring makes them."""
        from ml.outage_risk.score import live_features

        features = self._frame("features.feat_outage_risk__daily")
        others = [self._frame(name) for name in OUTAGE_INPUTS]
        if features is None or not features["is_live"].any() or any(each is None for each in others):
            return None
        return live_features(features, *(each for each in others if each is not None))

    def _frame(self, source: str) -> pd.DataFrame | None:
        """Return a published table as a frame; None when it is not published."""
        cursor = self._connection.cursor()
        try:
            return read_frame(cursor, f"from {source}")
        except duckdb.CatalogException:
            return None
        finally:
            cursor.close()

    def _arranged(self, name: str, frame: pd.DataFrame) -> LiveFeatures:
        served = USE_CASES[name]
        matrix = np.column_stack([frame[each].to_numpy(dtype=float, na_value=np.nan) for each in served.features])
        networks, entities = (tuple(frame[column].astype(str)) for column in ("network_id", served.entity))
        times = [column for column in ("valid_at", "outage_date") if column in frame]
        told = {column: [value.isoformat() for value in frame[column]] for column in times}
        places: dict[tuple[str, str], tuple[int, ...]] = {}
        for place, key in enumerate(zip(networks, entities, strict=True)):
            places[key] = (*places.get(key, ()), place)
        of_entity: dict[str, tuple[str, ...]] = {}
        for network, entity in places:
            of_entity[entity] = (*of_entity.get(entity, ()), network)
        version, materialization = self._version(served.features_key)
        return LiveFeatures(
            data_version=version,
            materialization_id=materialization,
            network_ids=networks,
            entities=entities,
            labels=tuple({column: told[column][place] for column in times} for place in range(len(frame))),
            matrix=matrix,
            places=places,
            networks=of_entity,
        )

    def _version(self, key: str) -> tuple[str, str]:
        """Return data version and materialization of a table as the snapshot's own ledger has them."""
        rows = self.ask_now(
            # one that is held back stands in the ledger, and the one before it in the table
            "select made.data_version, made.materialization_id::varchar as materialization_id"
            " from snapshot.lineage.materialization as made"
            " left join snapshot.main.gridweave_published as shown on shown.asset_key = made.asset_key"
            " where made.asset_key = $key and made.event_kind = 'MATERIALIZED'"
            " order by coalesce(made.data_version = shown.data_version, false) desc, made.seq desc limit 1",
            {"key": key},
        )
        return (rows[0]["data_version"], rows[0]["materialization_id"]) if rows else ("", "")


def open_snapshot(folder: Path) -> PublishedSnapshot:
    """Open what is published and read its live features.

    Raises:
        WarehouseError: Nothing is published, or it cannot be read.
    """
    signature = signature_of(folder)
    resources = ExitStack()
    try:
        connection = resources.enter_context(open_reader(folder))
        snapshot = PublishedSnapshot(resources, connection, signature)
        snapshot.load_features()
    except (duckdb.Error, KeyError, ValueError) as error:  # damaged, or of a release with other columns
        resources.close()
        raise WarehouseError(
            f"What is published in {folder} cannot be served: {type(error).__name__}.",
            hint="the next run publishes it anew; the snapshot before it is served meanwhile",
        ) from error
    except BaseException:
        resources.close()
        raise
    return snapshot


def signature_of(folder: Path) -> Signature:
    """Return what tells one pair of published files from another without reading them."""
    return tuple(file_signature(folder / name) for name in FILES)


def file_signature(path: Path) -> tuple[int, int, int] | None:
    """Return inode, time and size of a file; None when it is not there."""
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size
