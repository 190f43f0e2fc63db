"""What one step of one run has and records, whatever it makes.

What lives here: the fields of a step's context, admitting inputs, the ledger entry of what was made. What does not:
tables (context.py) and models (model_context.py).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from flows.assets.versions import logical_version, parameters_hash
from flows.errors import UndeclaredReadError, UnreleasedInputError
from flows.lineage.recorder import record_materialization
from flows.lineage.records import InputRecord, MaterializationRecord
from flows.lineage.state import current_input

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from uuid import UUID

    import duckdb

    from flows.assets.definition import AssetDefinition
    from flows.clock import Clock
    from flows.engine.steps.inputs import InputPartitions
    from flows.engine.steps.ledger_writer import LedgerWriter
    from flows.settings import Settings
    from flows.warehouse.declared import Columns
    from flows.warehouse.lake import Lake
    from flows.warehouse.warehouse import Warehouse
    from ml.registry import ModelRegistry


class MadeFacts(TypedDict):
    """What a step tells of what it made."""

    data_version: str
    row_count: int | None
    columns: tuple[tuple[str, str], ...]
    storage_uri: str
    metadata: Mapping[str, Any]


@dataclass
class RecordingContext:
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
        ledger_writer: Writes records that share no transaction with data; None writes each at once.
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
    ledger_writer: LedgerWriter | None = None
    notes: list[str] = field(default_factory=list)
    _inputs: dict[tuple[str, str], InputRecord] = field(default_factory=dict)

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

    def _admit(self, cursor: duckdb.DuckDBPyConnection, key: str, partition_key: str = "") -> int:
        """Check that an input may be read, remember exactly which, and return its row count."""
        if key not in self.definition.deps:
            raise UndeclaredReadError(asset_key=self.definition.key, upstream_key=key)
        required = self.inputs[key].required_checks if key in self.inputs else ()
        found = current_input(cursor, key, partition_key, required_checks=required)
        if found is None:
            return 0
        if found.is_held_back:
            raise UnreleasedInputError(asset_key=self.definition.key, upstream_key=key)
        self._inputs[key, partition_key] = InputRecord(
            upstream_key=key,
            materialization_id=found.materialization_id,
            data_version=found.data_version,
            partition_key=partition_key,
        )
        return 1 if found.row_count is None else int(found.row_count)

    def _record(self, cursor: duckdb.DuckDBPyConnection, **facts: Unpack[MadeFacts]) -> None:
        """Record what was made, in the transaction that wrote it."""
        made = self._made(**facts)
        record_materialization(cursor, made, recorded_at=made.valid_from)

    def _record_apart(self, **facts: Unpack[MadeFacts]) -> None:
        """Record what was made outside the warehouse."""
        made = self._made(**facts)
        if self.ledger_writer is not None:
            self.ledger_writer.add(made, recorded_at=made.valid_from)
            return
        with self.warehouse.transaction() as cursor:
            record_materialization(cursor, made, recorded_at=made.valid_from)

    def _made(
        self,
        *,
        data_version: str,
        row_count: int | None,
        columns: tuple[tuple[str, str], ...],
        storage_uri: str,
        metadata: Mapping[str, Any],
    ) -> MaterializationRecord:
        return MaterializationRecord(
            materialization_id=self.materialization_id,
            asset_key=self.definition.key,
            run_id=self.run_id,
            code_version=self.definition.code_version,
            data_version=data_version,
            logical_version=self.logical_version,
            valid_from=self.clock(),
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
        )
