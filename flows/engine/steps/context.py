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

from flows.assets.definition import EXTERNAL_VERSION_PREFIX
from flows.assets.versions import logical_version, parameters_hash
from flows.engine.steps.inputs import WHOLE, InputPartitions
from flows.engine.steps.skipping import StepSkippedError
from flows.engine.steps.written_table import refuse_other_columns, replace_rows, write_evidence
from flows.errors import AssetError, UndeclaredReadError, UnreleasedInputError
from flows.lineage.model_records import record_model_version
from flows.lineage.recorder import record_checks, record_materialization
from flows.lineage.records import CheckRecord, CheckStatus, InputRecord, MaterializationRecord
from flows.lineage.state import current_input
from flows.warehouse.content import column_versions, columns_of, table_version
from flows.warehouse.frames import read_frame
from flows.warehouse.identifiers import exact_path, literal, quoted, relation
from flows.warehouse.partition_rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from uuid import UUID

    import duckdb
    import pandas as pd

    from flows.assets.definition import AssetDefinition
    from flows.clock import Clock
    from flows.settings import Settings
    from flows.warehouse.declared import Columns
    from flows.warehouse.lake import Lake
    from flows.warehouse.warehouse import Warehouse
    from ml.registry import ModelRegistry, RegisteredModel
    from ml.training import TrainedModel

logger = logging.getLogger(__name__)


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
        partition_key: The partition to make; empty for an asset that is not cut.
        inputs: How each dependency is cut, and which of its partitions are read.
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
    partition_key: str = ""
    inputs: Mapping[str, InputPartitions] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _inputs: dict[tuple[str, str], InputRecord] = field(default_factory=dict)

    def read(self, key: str, *, columns: Sequence[str] = ()) -> pd.DataFrame:
        """Read a declared, released input: whole, or the partitions this partition is made from.

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
        cut = self.inputs.get(key, WHOLE)
        row_count = sum(self._admit(cursor, key, each) for each in cut.partition_keys)
        if row_count == 0 and key not in self.definition.optional_deps:
            raise StepSkippedError(asset_key=self.definition.key, reason=f"{key} has no rows: no source feeds it")
        names = ", ".join(quoted(name) for name in columns) or "*"
        statement = f"select {names} from {relation(key)} where {cut.rows} order by all"  # noqa: S608 - checked identifiers
        return read_frame(self.warehouse.cursor(), statement)

    def version_of(self, key: str) -> str:
        """Take an observed or external asset as an input and return its data version; there is no table to read.

        Raises:
            UndeclaredReadError: The key is not among the asset's dependencies.
            StepSkippedError: It was never observed or made.
        """
        cut = self.inputs.get(key, WHOLE)
        for each in cut.partition_keys:
            self._admit(self.warehouse.cursor(), key, each)
        versions = [self._inputs[key, each].data_version for each in cut.partition_keys if (key, each) in self._inputs]
        if not versions:
            raise StepSkippedError(asset_key=self.definition.key, reason=f"{key} was never observed or made")
        return ";".join(versions)

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
        """Replace the asset's table, or the rows of this partition, and record them.

        Args:
            frame: Rows in the declared columns of the table without the technical ones.
            model_version: Model that scored.

        Raises:
            AssetError: Columns are missing or unknown, or rows belong to another partition.
        """
        key = self.definition.key
        declared = self.declared_columns.get(key)
        if declared is None:
            raise AssetError(
                f"Asset {key} writes a table whose columns are not declared.",
                hint=f"add table {self.definition.relation} to transform/models/reports/_ml__sources.yml",
            )
        refuse_other_columns(self.definition, frame, declared)
        evidence = self.lake.evidence_path(key, str(self.materialization_id))
        now = self.clock()
        with self.warehouse.transaction() as cursor:
            stamps = {
                "run_id": str(self.run_id),
                "materialization_id": str(self.materialization_id),
                "model_version": model_version,
                "scored_at": now.isoformat(),
            }
            cursor.register("scored", frame)
            rows = self._rows
            replace_rows(cursor, self.definition, declared, rows, stamps, self.partition_key)
            cursor.unregister("scored")
            evidence_sha256 = write_evidence(cursor, f"from {relation(key)} where {rows}", evidence)
            columns = columns_of(cursor, key)
            data_version, row_count = table_version(cursor, key, rows=rows, columns=columns)
            self._record(
                cursor,
                data_version=data_version,
                row_count=row_count,
                columns=columns,
                storage_uri=str(evidence.relative_to(self.lake.home)),
                metadata={
                    "model_version": model_version,
                    "evidence_sha256": evidence_sha256,
                    "column_versions": column_versions(cursor, key, columns=columns),
                },
            )
        logger.info("%s%s: %d rows", key, f"@{self.partition_key}" if self.partition_key else "", row_count)

    def record(self, version: str, *, uri: str = "", row_count: int | None = None) -> None:
        """Record what this step made outside the warehouse; readers get its version by `version_of`.

        A run that dies between acting and recording acts again, and so does a retry: act in a way that may be repeated.

        Args:
            version: Tells one content from another: a hash, a revision, a message number.
            uri: Where it is.
            row_count: Rows or messages, where they can be counted.

        Raises:
            AssetError: The asset is declared as something that lies in the warehouse.
        """
        if self.definition.kind != "external":
            raise AssetError(
                f"Asset {self.definition.key} is declared as {self.definition.kind} and recorded something external.",
                hint='write a frame, or declare kind="external"',
            )
        with self.warehouse.transaction() as cursor:
            self._record(
                cursor,
                data_version=f"{EXTERNAL_VERSION_PREFIX}{version}",
                row_count=row_count,
                columns=(),
                storage_uri=uri,
                metadata={},
            )

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
            data_versions=self._input_versions,
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
            evidence_sha256 = write_evidence(cursor, "from backtest", evidence)
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
                evidence={
                    "evidence_uri": str(evidence.relative_to(self.lake.home)),
                    "evidence_sha256": evidence_sha256,
                },
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

    def take_champion(self, use_case: str, *, reason: str) -> None:
        """Record the champion a person chose, as made from what the model before it was made from."""
        champion = self.registry().champion(use_case)
        with self.warehouse.transaction() as cursor:
            rows = cursor.execute(
                "select i.upstream_key, i.upstream_partition, i.input_materialization_id::varchar,"
                " i.upstream_data_version, i.role"
                " from lineage.current_materialization m"
                " inner join lineage.materialization_input i on i.materialization_id = m.materialization_id"
                " where m.asset_key = ?",
                [self.definition.key],
            ).fetchall()
            for key, partition_key, identifier, version, role in rows:
                self._inputs[key, partition_key] = InputRecord(
                    upstream_key=key,
                    partition_key=partition_key,
                    materialization_id=identifier,
                    data_version=version,
                    role=role,
                )
            if champion is not None:
                self._record_champion(cursor, champion, is_stand_in=False, reason=reason)

    @property
    def logical_version(self) -> str:
        """Identity of what this step makes, from what it has read so far."""
        return logical_version(
            code_version=self.definition.code_version,
            input_versions=self._input_versions,
            parameters=self.definition.parameters,
            environment_id=self.environment_id,
        )

    @property
    def _input_versions(self) -> dict[str, str]:
        """Data version of what was read, by asset key and partition."""
        return {
            f"{key}@{partition_key}" if partition_key else key: each.data_version
            for (key, partition_key), each in self._inputs.items()
        }

    @property
    def _rows(self) -> str:
        """Condition for the rows this step replaces."""
        partitions = self.definition.partitions
        return rows_of(partitions, (self.partition_key,)) if partitions and self.partition_key else "true"

    def _admit(self, cursor: duckdb.DuckDBPyConnection, key: str, partition_key: str = "") -> int:
        """Check that an input may be read, remember exactly which, and return its row count."""
        if key not in self.definition.deps:
            raise UndeclaredReadError(asset_key=self.definition.key, upstream_key=key)
        required = self.inputs[key].required_checks if key in self.inputs else ()
        found = current_input(cursor, key, partition_key, required_checks=required)
        if found is None:
            return 0
        if found.row_count != 0 and found.unpassed_checks:
            raise UnreleasedInputError(asset_key=self.definition.key, upstream_key=key)
        self._inputs[key, partition_key] = InputRecord(
            upstream_key=key,
            materialization_id=found.materialization_id,
            data_version=found.data_version,
            partition_key=partition_key,
        )
        return 1 if found.row_count is None else int(found.row_count)

    def _record_champion(
        self,
        cursor: duckdb.DuckDBPyConnection,
        champion: RegisteredModel,
        *,
        is_stand_in: bool,
        reason: str,
        evidence: Mapping[str, str] | None = None,
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
                **(evidence or {}),
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
                partition_key=self.partition_key,
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
            partition_key=self.partition_key,
        )
