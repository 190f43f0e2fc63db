"""The gates: GX suites against relations, their outcomes in the ledger, and the verdict.

What lives here: running suites and turning outcomes into ledger entries. What does not: the suites (expectations/),
what a verdict leads to for loads (landing/raw_gate.py) and for a run (executor.py).

Each asset with a suite carries one blocking check named `gate`, which has a PASS only when every critical expectation
passed; the single expectations stand beside it. A gate that did not run has no PASS, so its asset is not released.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from expectations.outcome import GateRequest
from expectations.registry import gate_of, suite_keys, suite_version
from flows.assets.definition import AssetDefinition, CheckDefinition
from flows.assets.versions import digest_of
from flows.errors import ConfigurationError
from flows.lineage.recorder import record_checks
from flows.lineage.records import CheckRecord, CheckStatus
from flows.lineage.state import current_row_counts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from uuid import UUID

    import duckdb

    from expectations.outcome import ExpectationOutcome
    from flows.clock import Clock
    from flows.engine.engine import Engine

GATE_CHECK = "gate"


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a suite said about one asset or load.

    Args:
        asset_key: The asset.
        status: PASS only when every critical expectation passed.
        failures: One sentence for each critical expectation that did not pass.
        warnings: One sentence for each other expectation that did not pass.
        outcomes: All of them.
    """

    asset_key: str
    status: CheckStatus
    failures: tuple[str, ...]
    warnings: tuple[str, ...]
    outcomes: tuple[ExpectationOutcome, ...]


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


def check_tables(engine: Engine, keys: Sequence[str]) -> tuple[Verdict, ...]:
    """Hold what was just made against its suites and record the outcomes.

    A suite looks at a whole table; an empty one has nothing to check, which is recorded and keeps it from being
    released.

    Args:
        engine: What the run works with.
        keys: Assets that were made.

    Returns:
        One verdict for each table that was checked.
    """
    gated = [key for key in keys if key in set(suite_keys())]
    current = current_row_counts(engine.warehouse.cursor(), gated) if gated else {}
    checked = [key for key in gated if key in current and current[key][1]]
    empty = [key for key in gated if key in current and not current[key][1]]
    verdicts: tuple[Verdict, ...] = ()
    if checked:
        engine.on_progress(f"gate: {', '.join(checked)}")
        verdicts = run_gate(
            engine.warehouse.cursor(),
            [GateRequest(asset_key=key) for key in checked],
            results_dir=engine.settings.quality_dir / "gx",
        )
    identifiers = {key: identifier for key, (identifier, _) in current.items()}
    records = check_records(verdicts, materialization_ids=identifiers, run_id=engine.run_id, clock=engine.clock)
    records.extend(_not_run(engine, key, identifiers[key]) for key in empty)
    if records:
        with engine.warehouse.transaction() as cursor:
            record_checks(cursor, records)
    return verdicts


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
        )
        for request in requests
    )


def _verdict(request: GateRequest, outcomes: tuple[ExpectationOutcome, ...]) -> Verdict:
    """Sum up one suite; a suite without outcomes never ran."""
    failures = tuple(_sentence(each) for each in outcomes if each.is_blocking)
    is_error = any(each.status == "ERROR" for each in outcomes if each.is_blocking)
    status: CheckStatus = "ERROR" if is_error else "FAIL" if failures else "PASS"
    return Verdict(
        asset_key=request.asset_key,
        status=status if outcomes else "NOT_RUN",
        failures=failures,
        warnings=tuple(_sentence(each) for each in outcomes if each.status != "PASS" and not each.is_blocking),
        outcomes=outcomes,
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
    records: list[CheckRecord] = []
    for verdict in verdicts:
        materialization_id = materialization_ids[verdict.asset_key]
        records.extend(
            CheckRecord(
                asset_key=verdict.asset_key,
                materialization_id=materialization_id,
                run_id=run_id,
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
                evaluated_at=now,
            )
            for each in verdict.outcomes
        )
        records.append(
            CheckRecord(
                asset_key=verdict.asset_key,
                materialization_id=materialization_id,
                run_id=run_id,
                check_name=GATE_CHECK,
                check_version=suite_version(verdict.asset_key),
                engine="gx",
                status=verdict.status,
                is_blocking=True,
                expected="every critical expectation passes",
                actual="; ".join(verdict.failures) or "all passed",
                evaluated_at=now,
            )
        )
    return records


def _sentence(outcome: ExpectationOutcome) -> str:
    return f"{outcome.asset_key} {outcome.check_name}: expected {outcome.expected}, found {outcome.actual}"
