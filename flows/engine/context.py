"""What a Python step gets to work with: reading declared inputs, writing its table or model, the ledger beside both.

What lives here: the border between a step and the warehouse. What does not: what a step computes (ml/, called from
flows.definitions), and when it runs (executor.py).

A step writes once, at its end: the table, the materialization and its inputs are committed in one transaction, after
the evidence file is safe on disk. A step that raises leaves nothing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from flows.assets.versions import logical_version, parameters_hash
from flows.errors import AssetError, UndeclaredReadError, UnreleasedInputError
from flows.lineage.model_records import record_model_version
from flows.lineage.recorder import record_checks, record_materialization
from flows.lineage.records import CheckRecord, CheckStatus, InputRecord, MaterializationRecord
from flows.warehouse.content import column_versions, columns_of, table_version
from flows.warehouse.frames import read_frame
from flows.warehouse.identifiers import exact_path, literal, quoted, relation
from flows.warehouse.lake import Lake, sync

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path
    from uuid import UUID

    import duckdb
    import pandas as pd

    from flows.assets.definition import AssetDefinition
    from flows.clock import Clock
    from flows.settings import Settings
    from flows.warehouse.declared import Columns
    from flows.warehouse.warehouse import Warehouse
    from ml.registry import ModelRegistry, RegisteredModel
    from ml.training import TrainedModel

logger = logging.getLogger(__name__)

TECHNICAL_COLUMNS = ("run_id", "materialization_id", "model_version", "scored_at")


class StepSkippedError(AssetError):
    """A step has nothing to work on; the reason is recorded and the run goes on.

    Args:
        asset_key: The asset.
        reason: What it lacks.
    """

    def __init__(self, *, asset_key: str, reason: str) -> None:
        self.asset_key = asset_key
        self.reason = reason
        super().__init__(f"Asset {asset_key} skipped: {reason}.")


@dataclass(frozen=True, kw_only=True)
class LoadedModel:
    """The champion of a use case, verified and ready to score.

    Args:
        registered: Its entry in the registry.
        model: What the use case's `score` takes.
        backtest_scores: Out-of-time scores from its training, in the columns of the use case's table.
    """

    registered: RegisteredModel
    model: Mapping[str, Any]
    backtest_scores: pd.DataFrame


@dataclass
class StepContext:
    """One step of one run; used by one thread.

    Args:
        definition: The asset.
        warehouse: The open warehouse.
        lake: Where evidence files go.
        registry: Opens the model registry on first use (importing MLflow takes seconds).
        settings: All settings.
        run_id: The run.
        materialization_id: What this step will write.
        environment_id: Python and packages.
        clock: Wall clock.
        declared_columns: Columns of tables that are declared in a dbt source file, by key.
    """

    definition: AssetDefinition
    warehouse: Warehouse
    lake: Lake
    registry: Callable[[], ModelRegistry]
    settings: Settings
    run_id: UUID
    materialization_id: UUID
    environment_id: str
    clock: Clock
    declared_columns: Mapping[str, Columns]
    notes: list[str] = field(default_factory=list)
    _inputs: dict[str, InputRecord] = field(default_factory=dict)

    def read(self, key: str, *, columns: Sequence[str] = ()) -> pd.DataFrame:
        """Read a declared, released input whole.

        Args:
            key: Asset key of a table.
            columns: Columns to read; none reads all.

        Returns:
            Rows in a stable order, timestamps aware UTC; empty where nothing feeds the table.

        Raises:
            UndeclaredReadError: The key is not among the asset's dependencies.
            UnreleasedInputError: It has rows, and a blocking check has no PASS.
            StepSkippedError: It is required and has no rows.
        """
        cursor = self.warehouse.cursor()
        row_count = self._admit(cursor, key)
        if row_count == 0 and key not in self.definition.optional_deps:
            raise StepSkippedError(asset_key=self.definition.key, reason=f"{key} has no rows: no source feeds it")
        names = ", ".join(quoted(name) for name in columns) or "*"
        statement = f"select {names} from {relation(key)} order by all"  # noqa: S608 - checked identifiers
        return read_frame(self.warehouse.cursor(), statement)

    def read_champion(self, key: str) -> LoadedModel:
        """Load the champion of a model asset, verified against its hash.

        Raises:
            StepSkippedError: There is no model, because nothing feeds its training.
            ModelError: The artefact is missing or not what was registered.
        """
        cursor = self.warehouse.cursor()
        self._admit(cursor, key)
        row = cursor.execute(
            "select metadata->>'name', metadata->>'version', metadata->>'is_stand_in'"
            " from lineage.current_materialization where asset_key = ?",
            [key],
        ).fetchone()
        if row is None:
            raise StepSkippedError(asset_key=self.definition.key, reason=f"{key} has no champion")
        name, version, is_stand_in = row
        registered = self.registry().get(name, int(version))
        if is_stand_in == "true":
            self.notes.append(f"scored by the stand-in {registered.model_version}")
        backtest = literal(exact_path(self.lake.evidence_path(key, registered.model_version)))
        return LoadedModel(
            registered=registered,
            model=self.registry().load(name, int(version)),
            backtest_scores=read_frame(self.warehouse.cursor(), f"from read_parquet({backtest})"),
        )

    def write(self, frame: pd.DataFrame, *, model_version: str) -> None:
        """Replace the asset's table by scored rows and record them.

        Args:
            frame: Rows in the declared columns of the table without the technical ones.
            model_version: Model that scored.

        Raises:
            AssetError: Columns are missing or unknown.
        """
        key = self.definition.key
        declared = self.declared_columns[key]
        self._refuse_other_columns(frame, [name for name, _ in declared])
        evidence = self.lake.evidence_path(key, str(self.materialization_id))
        now = self.clock()
        with self.warehouse.transaction() as cursor:
            stamped = frame.assign(
                run_id=str(self.run_id),
                materialization_id=str(self.materialization_id),
                model_version=model_version,
                scored_at=now,
            )
            cursor.register("scored", stamped)
            select = ", ".join(f"{quoted(name)}::{kind} as {quoted(name)}" for name, kind in declared)
            cursor.execute(
                f"create or replace table {relation(key)} as select {select} from scored order by all"  # noqa: S608 - checked
            )
            cursor.unregister("scored")
            self._write_evidence(cursor, f"from {relation(key)}", evidence)
            data_version, row_count = table_version(cursor, key)
            self._record(
                cursor,
                data_version=data_version,
                row_count=row_count,
                columns=columns_of(cursor, key),
                storage_uri=str(evidence.relative_to(self.lake.home)),
                metadata={"model_version": model_version, "column_versions": column_versions(cursor, key)},
            )
        logger.info("%s: %d rows", key, row_count)

    def write_model(self, trained: TrainedModel) -> RegisteredModel:
        """Register a trained model, decide on the champion and record which one scores from now on.

        The registry is asked first: the same logical version is never registered twice, so a run that died between
        the registry and the ledger finishes with the same model.
        """
        from ml.promotion import decide

        registry = self.registry()
        champion = registry.champion(trained.use_case)
        registered = registry.register(
            trained,
            logical_version=self.logical_version,
            run_id=str(self.run_id),
            materialization_id=str(self.materialization_id),
            data_versions={key: each.data_version for key, each in self._inputs.items()},
            code_version=self.definition.code_version,
            parameters=self.definition.parameters,
        )
        decision = decide(trained, champion)
        if decision.promote:
            registry.promote(registered.name, registered.version, reason=decision.reason)
        chosen = registered if decision.promote or champion is None else champion
        evidence = self.lake.evidence_path(self.definition.key, registered.model_version)
        with self.warehouse.transaction() as cursor:
            backtest = trained.backtest_scores
            cursor.register("backtest", backtest)
            self._write_evidence(cursor, "from backtest", evidence)
            cursor.unregister("backtest")
            record_model_version(
                cursor,
                trained=trained,
                registered=registered,
                materialization_id=self.materialization_id,
                run_id=self.run_id,
                created_at=self.clock(),
            )
            self._record_champion(
                cursor,
                chosen,
                is_stand_in=chosen.version != registered.version,
                reason=decision.reason,
            )
            status: CheckStatus = "PASS" if trained.beats_baseline else "FAIL"
            record_checks(cursor, [self._training_check(status, decision.reason)])
        if not trained.beats_baseline:
            self.notes.append(f"does not beat its baseline: {decision.reason}")
        return chosen

    def keep_champion(self, use_case: str, *, reason: str) -> bool:
        """Go on with the present champion after a training that failed.

        Returns:
            False when there is no champion to go on with.
        """
        champion = self.registry().champion(use_case)
        if champion is None:
            return False
        with self.warehouse.transaction() as cursor:
            self._record_champion(cursor, champion, is_stand_in=True, reason=reason)
            record_checks(cursor, [self._training_check("FAIL", reason)])
        self.notes.append(f"training failed, version {champion.version} goes on: {reason}")
        return True

    @property
    def logical_version(self) -> str:
        """Identity of what this step makes, from what it has read so far."""
        return logical_version(
            code_version=self.definition.code_version,
            input_versions={key: each.data_version for key, each in self._inputs.items()},
            parameters=self.definition.parameters,
            environment_id=self.environment_id,
        )

    def _admit(self, cursor: duckdb.DuckDBPyConnection, key: str) -> int:
        """Check that an input may be read, remember exactly which, and return its row count."""
        if key not in self.definition.deps:
            raise UndeclaredReadError(asset_key=self.definition.key, upstream_key=key)
        row = cursor.execute(
            "select m.materialization_id::varchar, m.data_version, m.row_count, r.seq is not null"
            " from lineage.current_materialization m"
            " left join lineage.released_materialization r on r.materialization_id = m.materialization_id"
            " where m.asset_key = ?",
            [key],
        ).fetchone()
        if row is None:
            return 0
        identifier, data_version, row_count, is_released = row
        if row_count == 0:
            self._inputs[key] = InputRecord(upstream_key=key, materialization_id=identifier, data_version=data_version)
            return 0
        if not is_released:
            raise UnreleasedInputError(asset_key=self.definition.key, upstream_key=key)
        self._inputs[key] = InputRecord(upstream_key=key, materialization_id=identifier, data_version=data_version)
        return 1 if row_count is None else int(row_count)

    def _refuse_other_columns(self, frame: pd.DataFrame, declared: Iterable[str]) -> None:
        expected = [name for name in declared if name not in TECHNICAL_COLUMNS]
        missing = sorted(set(expected) - set(frame.columns))
        unknown = sorted(set(frame.columns) - set(expected))
        if missing or unknown:
            raise AssetError(
                f"Asset {self.definition.key} wrote other columns than declared: missing"
                f" {', '.join(missing) or 'none'}, unknown {', '.join(unknown) or 'none'}.",
                hint="mend the step or transform/models/reports/_ml__sources.yml",
            )

    def _write_evidence(self, cursor: duckdb.DuckDBPyConnection, query: str, evidence: Path) -> None:
        evidence.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        cursor.execute(f"copy ({query}) to {literal(str(evidence))} (format parquet, compression zstd)")
        sync(evidence)

    def _record_champion(
        self,
        cursor: duckdb.DuckDBPyConnection,
        champion: RegisteredModel,
        *,
        is_stand_in: bool,
        reason: str,
    ) -> None:
        self._record(
            cursor,
            data_version=f"model:{champion.artifact_sha256}",
            row_count=None,
            columns=(),
            storage_uri=champion.artifact_uri,
            metadata={
                "name": champion.name,
                "model_version": champion.model_version,
                "model_version_id": f"{champion.name}:{champion.model_version}",
                "version": champion.version,
                "is_stand_in": is_stand_in,
                "reason": reason,
            },
        )

    def _record(
        self,
        cursor: duckdb.DuckDBPyConnection,
        *,
        data_version: str,
        row_count: int | None,
        columns: tuple[tuple[str, str], ...],
        storage_uri: str,
        metadata: Mapping[str, Any],
    ) -> None:
        now = self.clock()
        record_materialization(
            cursor,
            MaterializationRecord(
                materialization_id=self.materialization_id,
                asset_key=self.definition.key,
                run_id=self.run_id,
                code_version=self.definition.code_version,
                data_version=data_version,
                logical_version=self.logical_version,
                valid_from=now,
                row_count=row_count,
                columns=columns,
                storage_uri=storage_uri,
                metadata={
                    **metadata,
                    "parameters": dict(self.definition.parameters),
                    "parameters_hash": parameters_hash(self.definition.parameters),
                    "environment_id": self.environment_id,
                },
                inputs=tuple(self._inputs.values()),
            ),
            recorded_at=now,
        )

    def _training_check(self, status: CheckStatus, reason: str) -> CheckRecord:
        """A warning beside a model: a worse model is kept out by promotion, not by a gate."""
        return CheckRecord(
            asset_key=self.definition.key,
            materialization_id=str(self.materialization_id),
            run_id=self.run_id,
            check_name="training",
            engine="gridweave",
            status=status,
            is_blocking=False,
            expected="training succeeds and the model beats its baseline",
            actual=reason,
            evaluated_at=self.clock(),
        )
