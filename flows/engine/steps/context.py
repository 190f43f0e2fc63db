"""What a Python step gets to work with: reading declared inputs, writing its table or model, the ledger beside both.

What lives here: the border between a step and the warehouse's tables. What does not: models (model_context.py), what
is recorded of all (recording_context.py), what a step computes (ml/, called from flows.definitions), and when it runs
(executor.py).

A step writes once, at its end: the table, the materialization and its inputs are committed in one transaction, after
the evidence file is safe on disk. A step that raises leaves nothing.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.assets.definition import EXTERNAL_VERSION_PREFIX
from flows.engine.steps.inputs import WHOLE
from flows.engine.steps.model_context import ModelContext
from flows.engine.steps.skipping import StepSkippedError
from flows.engine.steps.written_table import refuse_other_columns, replace_rows, write_evidence
from flows.errors import AssetError
from flows.warehouse.content import column_versions, columns_of, table_version
from flows.warehouse.frames import read_frame
from flows.warehouse.identifiers import quoted, relation
from flows.warehouse.partition_rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

logger = logging.getLogger(__name__)


@dataclass
class StepContext(ModelContext):
    """One step of one run; used by one thread. Its fields are described by `RecordingContext`."""

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
        self._record_apart(
            data_version=f"{EXTERNAL_VERSION_PREFIX}{version}",
            row_count=row_count,
            columns=(),
            storage_uri=uri,
            metadata={},
        )

    @property
    def _rows(self) -> str:
        """Condition for the rows this step replaces."""
        partitions = self.definition.partitions
        return rows_of(partitions, (self.partition_key,)) if partitions and self.partition_key else "true"
