"""The gates: GX suites against relations, their outcomes in the ledger, and the verdict.

What lives here: running suites and turning outcomes into ledger entries. What does not: the suites (expectations/),
what a verdict leads to for loads (landing/raw_gate.py) and for a run (executor.py).

Each asset with a suite carries one blocking check named `gate`, which has a PASS only when every critical expectation
passed; the single expectations stand beside it. A gate that did not run has no PASS, so its asset is not released.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from expectations.outcome import GateRequest
from expectations.registry import gate_of, suite_keys, suite_version
from flows.assets.definition import AssetDefinition, CheckDefinition
from flows.assets.versions import digest_of
from flows.engine.history import HISTORY_CHECK, Comparison, compare_with_history
from flows.engine.steps.python_checks import unchecked_partitions
from flows.errors import ConfigurationError
from flows.lineage.recorder import record_checks
from flows.lineage.records import CheckRecord, CheckStatus
from flows.lineage.state import current_row_counts, had_rows_before

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from uuid import UUID

    import duckdb

    from expectations.outcome import ExpectationOutcome
    from flows.clock import Clock
    from flows.engine.engine import Engine

GATE_CHECK = "gate"
SCORED_SCHEMA = "ml"
"""Its tables name the materialization in each row."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a suite said about one asset or load.

    Args:
        asset_key: The asset.
        status: PASS only when every critical expectation passed.
        failures: One sentence for each critical expectation that did not pass.
        warnings: One sentence for each other expectation that did not pass.
        outcomes: All of them.
        history: How it compares with what came before; None where nothing was looked at.
        partition_key: Partition it speaks of; empty for a whole table.
    """

    asset_key: str
    status: CheckStatus
    failures: tuple[str, ...]
    warnings: tuple[str, ...]
    outcomes: tuple[ExpectationOutcome, ...]
    history: Comparison | None = None
    partition_key: str = ""


def with_gates(definitions: Iterable[AssetDefinition]) -> tuple[AssetDefinition, ...]:
    """Give each asset that has a suite its `gate` check; the suite's version becomes part of the code version."""
    definitions, gated = tuple(definitions), set(suite_keys())
    for each in definitions:
        if each.kind == "scores" and each.key not in gated:
            raise ConfigurationError(
                f"Asset {each.key} ({each.source_path}) has no suite; scores are never published ungated.",
                hint=f"write expectations/suites/ml/{each.relation}.py like its neighbours",
            )
    return tuple(_with_gate(each) if each.key in gated else each for each in definitions)


def _with_gate(definition: AssetDefinition) -> AssetDefinition:
    version = suite_version(definition.key)
    check = CheckDefinition(name=GATE_CHECK, engine="gx", is_blocking=True, version=version)
    return replace(
        definition,
        checks=(*definition.checks, check),
        code_version=digest_of(definition.code_version, version),
    )


def gate_name(asset_key: str) -> str:
    """Name of the gate that guards an asset: raw, features or scores."""
    return gate_of(asset_key)


def check_tables(engine: Engine, keys: Sequence[str]) -> list[Verdict]:
    """Hold what was just made against its suites and record the outcomes.

    Args:
        engine: What the run works with.
        keys: Assets that were made.

    Returns:
        One verdict for each table, or partition of one, that was checked.
    """
    gated = [key for key in keys if key in set(suite_keys())]
    cut = [key for key in gated if engine.graph[key].partitions is not None]
    verdicts = _check_whole(engine, [key for key in gated if key not in cut])
    for key in cut:
        verdicts.extend(_check_partitions(engine, key))
    return verdicts


def _check_whole(engine: Engine, keys: Sequence[str]) -> list[Verdict]:
    """Check tables that are not cut.

    An empty one that never had rows has nothing to check, which is recorded; one that has lost its rows is checked, and
    its suite demands a row.
    """
    current = current_row_counts(engine.warehouse.cursor(), keys) if keys else {}
    emptied = had_rows_before(engine.warehouse.cursor(), [key for key in current if not current[key][1]])
    checked = [key for key in keys if key in current and (current[key][1] or key in emptied)]
    identifiers = {key: identifier for key, (identifier, _) in current.items()}
    verdicts: tuple[Verdict, ...] = ()
    if checked:
        engine.on_progress(f"gate: {', '.join(checked)}")
        verdicts = _run(engine, [GateRequest(asset_key=key) for key in checked])
    records = check_records(verdicts, materialization_ids=identifiers, run_id=engine.run_id, clock=engine.clock)
    records.extend(_not_run(engine, key, identifiers[key]) for key in identifiers if key not in checked)
    _record(engine, records)
    return list(verdicts)


def _check_partitions(engine: Engine, key: str) -> list[Verdict]:
    """Check the partitions of a table that this run made: each by itself where its rows say which they are."""
    made = unchecked_partitions(engine, key, GATE_CHECK)
    engine.on_progress(f"gate: {key} ({len(made)})")
    is_told_apart = engine.graph[key].schema == SCORED_SCHEMA
    verdicts: list[Verdict] = []
    for partition_key, identifier in made:
        if is_told_apart or not verdicts:
            request = GateRequest(asset_key=key, materialization_id=identifier if is_told_apart else None)
            (verdict,) = _run(engine, [request])
        verdicts.append(replace(verdict, partition_key=partition_key))
        records = check_records(
            verdicts[-1:], materialization_ids={key: identifier}, run_id=engine.run_id, clock=engine.clock
        )
        _record(engine, [replace(each, partition_key=partition_key) for each in records])
    return verdicts


def _run(engine: Engine, requests: Sequence[GateRequest]) -> tuple[Verdict, ...]:
    return run_gate(engine.warehouse.cursor(), requests, results_dir=engine.settings.quality_dir / "gx")


def _record(engine: Engine, records: Sequence[CheckRecord]) -> None:
    if records:
        with engine.warehouse.transaction() as cursor:
            record_checks(cursor, records)


def _not_run(engine: Engine, key: str, materialization_id: str) -> CheckRecord:
    return CheckRecord(
        asset_key=key,
        materialization_id=materialization_id,
        run_id=engine.run_id,
        check_name=GATE_CHECK,
        engine="gx",
        status="NOT_RUN",
        is_blocking=True,
        expected="at least one row",
        actual="no rows: no source feeds it",
        evaluated_at=engine.clock(),
    )


def run_gate(
    connection: duckdb.DuckDBPyConnection, requests: Sequence[GateRequest], *, results_dir: Path
) -> tuple[Verdict, ...]:
    """Hold relations against their suites.

    Args:
        connection: The owner's connection.
        requests: What to check.
        results_dir: Where GX keeps its results for the data docs.

    Returns:
        One verdict per request, in order.
    """
    from expectations.gate import run_suites

    found = run_suites(connection, requests, docs_dir=results_dir)
    return tuple(
        _verdict(
            request,
            tuple(each for each in found if (each.asset_key, each.load_ids) == (request.asset_key, request.load_ids)),
            compare_with_history(connection, request),
        )
        for request in requests
    )


def _verdict(request: GateRequest, outcomes: tuple[ExpectationOutcome, ...], history: Comparison) -> Verdict:
    """Sum up one suite; a suite without outcomes never ran."""
    failures = tuple(_sentence(each) for each in outcomes if each.is_blocking)
    is_error = any(each.status == "ERROR" for each in outcomes if each.is_blocking)
    status: CheckStatus = "ERROR" if is_error else "FAIL" if failures else "PASS"
    warnings = [_sentence(each) for each in outcomes if each.status != "PASS" and not each.is_blocking]
    if history.status == "FAIL":
        warnings.append(f"{request.asset_key} is unlike what came before: {history.actual}")
    return Verdict(
        asset_key=request.asset_key,
        status=status if outcomes else "NOT_RUN",
        failures=failures,
        warnings=tuple(warnings),
        outcomes=outcomes,
        history=history,
    )


def check_records(
    verdicts: Iterable[Verdict],
    *,
    materialization_ids: Mapping[str, str],
    run_id: UUID,
    clock: Clock,
) -> list[CheckRecord]:
    """Turn verdicts into ledger entries: every expectation, and the gate that sums them up."""
    now = clock()
    return [
        record
        for verdict in verdicts
        for record in _records_of(
            verdict,
            partial(
                CheckRecord,
                asset_key=verdict.asset_key,
                materialization_id=materialization_ids[verdict.asset_key],
                run_id=run_id,
                evaluated_at=now,
            ),
        )
    ]


def _records_of(verdict: Verdict, record: partial[CheckRecord]) -> Iterator[CheckRecord]:
    """Yield the entries of one verdict; `record` knows what all of them share."""
    for each in verdict.outcomes:
        yield record(
            check_name=f"gx:{each.check_name}",
            check_version=each.check_version,
            engine="gx",
            column_name=each.column_name,
            status=each.status,
            is_blocking=each.severity == "critical",
            expected=each.expected,
            actual=each.actual,
            failing_rows=each.failing_rows,
            sample=each.sample,
        )
    if verdict.history is not None:
        yield record(
            check_name=HISTORY_CHECK,
            engine="gridweave",
            status=verdict.history.status,
            is_blocking=False,
            expected="rows, null shares and distributions like those before",
            actual=verdict.history.actual,
            sample=verdict.history.sample,
        )
    yield record(
        check_name=GATE_CHECK,
        check_version=suite_version(verdict.asset_key),
        engine="gx",
        status=verdict.status,
        is_blocking=True,
        expected="every critical expectation passes",
        actual="; ".join(verdict.failures) or "all passed",
    )


def _sentence(outcome: ExpectationOutcome) -> str:
    return f"{outcome.asset_key} {outcome.check_name}: expected {outcome.expected}, found {outcome.actual}"
