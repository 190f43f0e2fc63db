"""Checks written in Python (`@asset_check`) on what was just made.

What lives here: evaluating them and recording the outcomes. What does not: what an outcome leads to (executor.py), GX
suites (gates.py) and dbt's tests.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.assets.declaring import CheckOutcome
from flows.lineage.recorder import record_checks
from flows.lineage.records import CheckRecord, CheckStatus
from flows.warehouse.frames import read_frame
from flows.warehouse.identifiers import relation
from flows.warehouse.partition_rows import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from flows.assets.definition import AssetDefinition, CheckDefinition
    from flows.engine.engine import Engine


@dataclass(frozen=True, kw_only=True)
class FailedCheck:
    """A check without a PASS.

    Args:
        asset_key: The asset.
        partition_key: Its partition.
        check: The check.
        status: FAIL, or ERROR when the check itself broke.
        reason: In words.
    """

    asset_key: str
    partition_key: str
    check: CheckDefinition
    status: CheckStatus
    reason: str


def run_python_checks(engine: Engine, made: Sequence[str]) -> list[FailedCheck]:
    """Evaluate the checks of assets of which this run has made something.

    Args:
        engine: What the run works with.
        made: Asset keys.

    Returns:
        Those that did not pass.
    """
    failed: list[FailedCheck] = []
    for key in made:
        checks = [each for each in engine.graph[key].checks if each.evaluate is not None]
        if not checks:
            continue
        for partition_key, materialization_id in unchecked_partitions(engine, key, checks[-1].name):
            records = []
            for check in checks:
                status, outcome = _evaluate(engine, engine.graph[key], check, partition_key)
                records.append(_record(engine, key, partition_key, materialization_id, check, status, outcome))
                if status != "PASS":
                    failed.append(
                        FailedCheck(
                            asset_key=key,
                            partition_key=partition_key,
                            check=check,
                            status=status,
                            reason=f"{check.name}: {records[-1].actual or 'did not pass'}",
                        )
                    )
            with engine.warehouse.transaction() as cursor:
                record_checks(cursor, records)
    return failed


def unchecked_partitions(engine: Engine, key: str, check_name: str) -> list[tuple[str, str]]:
    """Return partition and materialization of what this run made of an asset and has not checked yet."""
    rows = engine.warehouse.cursor().execute(
        "select partition_key, materialization_id::varchar from lineage.current_materialization m"
        " where asset_key = ? and run_id = ? and not exists (select 1 from lineage.check_result r"
        " where r.materialization_id = m.materialization_id and r.check_name = ?) order by partition_key",
        [key, engine.run_id, check_name],
    )
    return [(str(partition_key), str(identifier)) for partition_key, identifier in rows.fetchall()]


def _evaluate(
    engine: Engine, definition: AssetDefinition, check: CheckDefinition, partition_key: str
) -> tuple[CheckStatus, CheckOutcome | str]:
    """Call a check; one that breaks has no PASS."""
    if check.evaluate is None:
        return "NOT_RUN", "not a Python check"
    rows = rows_of(definition.partitions, (partition_key,)) if definition.partitions else "true"
    statement = f"from {relation(definition.key)} where {rows} order by all"
    try:
        outcome = check.evaluate(read_frame(engine.warehouse.cursor(), statement))
    except Exception as error:  # noqa: BLE001 - whatever a check raises, it has no PASS
        return "ERROR", f"{type(error).__name__}: {error}"
    if not isinstance(outcome, CheckOutcome):
        return "ERROR", f"the check returned {type(outcome).__name__}; expected a CheckOutcome"
    return ("PASS" if outcome.is_passed else "FAIL"), outcome


def _record(
    engine: Engine,
    key: str,
    partition_key: str,
    materialization_id: str,
    check: CheckDefinition,
    status: CheckStatus,
    outcome: CheckOutcome | str,
) -> CheckRecord:
    words = outcome if isinstance(outcome, str) else None
    return CheckRecord(
        asset_key=key,
        partition_key=partition_key,
        materialization_id=materialization_id,
        run_id=engine.run_id,
        check_name=check.name,
        check_version=check.version,
        engine=check.engine,
        status=status,
        is_blocking=check.is_blocking,
        expected=None if isinstance(outcome, str) else outcome.expected,
        actual=words if isinstance(outcome, str) else outcome.actual,
        failing_rows=None if isinstance(outcome, str) else outcome.failing_rows,
        evaluated_at=engine.clock(),
    )
