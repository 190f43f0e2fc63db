"""The raw gate: which landed loads may be read.

What lives here: checking loads that landed, acting on the verdict by the source's policy, and bringing the `raw.*`
views and their ledger entries to the result. What does not: landing itself (lander.py), the suites (expectations/).

Policies, per source (`on_failure` for a load that fails its suite, `on_reject` for a malformed file):
    block        the run stops, exit 3; the operator accepts or discards the load
    quarantine   the load is set aside, the rest goes on
    fallback     the load is set aside and the source's older rows stand in for it, flagged in every downstream row;
                 with nothing to fall back to it blocks
"""

from __future__ import annotations

import logging
from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal
from uuid import UUID, uuid4

from expectations.outcome import GateRequest
from flows.assets.versions import digest_of, logical_version
from flows.engine.gates import GATE_CHECK, Verdict, check_records, run_gate
from flows.engine.landing.load_standing import fallback_sources, sources_of
from flows.engine.landing.lost_loads import LostLoadsError, lost_files
from flows.engine.landing.raw_days import event_column, record_changed_days
from flows.engine.landing.unreadable import unreadable_columns
from flows.lineage.audit.chain import append_rows
from flows.lineage.recorder import record_checks, record_materialization
from flows.lineage.records import CheckRecord, CheckStatus, MaterializationRecord
from flows.sources.configuration import load_source
from flows.warehouse.identifiers import quoted
from flows.warehouse.raw_views import create_raw_view

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from collections.abc import Set as AbstractSet
    from pathlib import Path

    import duckdb

    from flows.assets.definition import AssetDefinition
    from flows.clock import Clock
    from flows.warehouse.lake import Lake
    from flows.warehouse.warehouse import Warehouse

logger = logging.getLogger(__name__)

CANDIDATES = "landing"
"""Schema of the views over loads that wait for their verdict."""

LoadStatus = Literal["ACCEPTED", "QUARANTINED", "FALLBACK", "BLOCKED"]


@dataclass(frozen=True, kw_only=True)
class LoadVerdict:
    """What became of one load; a `gate_status` of ERROR says nothing about the data: a check could not be made."""

    load_id: str
    source: str
    status: LoadStatus
    gate_status: CheckStatus
    failures: tuple[str, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Waiting:
    load_id: str
    raw_table: str
    source: str
    storage_uri: str
    row_count: int

    @property
    def candidate(self) -> str:
        """Key of the view that shows what is checked."""
        return f"{CANDIDATES}/{self.raw_table}_{self.load_id}"


class RawGate:
    """Decides on loads.

    Args:
        warehouse: The open warehouse.
        lake: Where the loads lie.
        definitions: The raw assets by key.
        sources_dir: Folder of source descriptions, for the policies.
        results_dir: Where GX keeps its results.
        run_id: Run the decisions belong to.
        clock: Wall clock.
    """

    def __init__(
        self,
        *,
        warehouse: Warehouse,
        lake: Lake,
        definitions: Mapping[str, AssetDefinition],
        sources_dir: Path,
        results_dir: Path,
        run_id: UUID,
        clock: Clock,
    ) -> None:
        self._warehouse = warehouse
        self._lake = lake
        self._definitions = definitions
        self._sources_dir = sources_dir
        self._results_dir = results_dir
        self._run_id = run_id
        self._clock = clock

    def decide(self) -> tuple[LoadVerdict, ...]:
        """Check every load that waits, act on the verdicts, refresh views and ledger.

        Returns:
            A verdict for each load that waited.
        """
        waiting = self._waiting()
        verdicts = self._check(waiting) if waiting else {}
        by_load = defaultdict(list)
        for each in waiting:
            by_load[each.load_id].append(each)
        with self._warehouse.transaction() as cursor:
            decided = tuple(
                self._settle(cursor, parts, [verdicts[part] for part in parts]) for parts in by_load.values()
            )
            refused = {each.load_id for each in decided if each.status != "ACCEPTED"}
            self.refresh(cursor, verdicts, refused)
            cursor.execute(f"drop schema if exists {quoted(CANDIDATES)} cascade")
        return decided

    def refresh(
        self,
        cursor: duckdb.DuckDBPyConnection,
        verdicts: Mapping[_Waiting, Verdict] | None = None,
        refused_loads: set[str] | frozenset[str] = frozenset(),
        *,
        is_discarding: bool = False,
    ) -> None:
        """Bring each raw view and its ledger entry to the accepted loads; refused loads are recorded as observed.

        Args:
            cursor: Inside a transaction.
            verdicts: On loads that waited.
            refused_loads: Those of them that are not taken.
            is_discarding: An operator discards one load at a time: a table of which more are lost stays as it is.

        Raises:
            LostLoadsError: Files of an accepted load of a table that changes are gone or changed.
        """
        standing_in = fallback_sources(cursor)
        for key, definition in self._definitions.items():
            found = [(part, verdict) for part, verdict in (verdicts or {}).items() if f"raw/{part.raw_table}" == key]
            for part, verdict in found:
                if part.load_id in refused_loads:
                    self._record_refused(cursor, definition, part, verdict)
            accepted = [verdict for part, verdict in found if part.load_id not in refused_loads]
            marked = standing_in & sources_of(cursor, definition.relation)
            self._refresh_table(cursor, definition, accepted, marked, is_discarding=is_discarding)

    def _waiting(self) -> list[_Waiting]:
        rows = self._warehouse.cursor().execute(
            "select load_id, raw_table, source, storage_uri, row_count from lineage.load"
            " where status = 'LANDED' order by landed_at, load_id, raw_table"
        )
        return [
            _Waiting(load_id=load, raw_table=table, source=source, storage_uri=uri, row_count=count)
            for load, table, source, uri, count in rows.fetchall()
        ]

    def _check(self, waiting: Sequence[_Waiting]) -> dict[_Waiting, Verdict]:
        """Run each load's suites over a view that shows this load only: none reads the files of another."""
        with self._warehouse.transaction() as cursor:
            cursor.execute(f"drop schema if exists {quoted(CANDIDATES)} cascade")  # what a killed run left
            cursor.execute(f"create schema {quoted(CANDIDATES)}")
            for each in waiting:
                definition = self._definitions[f"raw/{each.raw_table}"]
                create_raw_view(
                    cursor,
                    key=each.candidate,
                    columns=definition.columns,
                    load_folders=[self._lake.home / each.storage_uri],
                    fallback_sources=(),
                    event_column=event_column(definition),
                )
        requests = [
            GateRequest(
                asset_key=f"raw/{each.raw_table}",
                relation=(CANDIDATES, each.candidate.partition("/")[2]),
                load_ids=(each.load_id,),
                is_restricted=False,
            )
            for each in waiting
        ]
        verdicts = run_gate(self._warehouse.cursor(), requests, results_dir=self._results_dir)
        return dict(zip(waiting, verdicts, strict=True))

    def _settle(
        self,
        cursor: duckdb.DuckDBPyConnection,
        parts: Sequence[_Waiting],
        verdicts: Sequence[Verdict],
    ) -> LoadVerdict:
        """Decide on one load with all its raw tables, and record the decision."""
        load_id, source = parts[0].load_id, parts[0].source
        failures = tuple(sentence for verdict in verdicts for sentence in verdict.failures)
        statuses = {verdict.status for verdict in verdicts}
        is_passed = statuses == {"PASS"}
        if not is_passed:
            failures += unreadable_columns(cursor, [self._lake.home / each.storage_uri for each in parts])
        status: LoadStatus = "ACCEPTED" if is_passed else self._policy(cursor, source)
        cursor.execute(
            "update lineage.load set status = ?, reason = ?, decided_at = ? where load_id = ?",
            [status, "; ".join(failures) or None, self._clock(), load_id],
        )
        append_rows(cursor, "load", [[load_id]], recorded_at=self._clock())
        if not is_passed:
            logger.warning("load %s of %s: %s; %s", load_id, source, status, "; ".join(failures))
        return LoadVerdict(
            load_id=load_id,
            source=source,
            status=status,
            gate_status="PASS" if is_passed else "FAIL" if statuses <= {"PASS", "FAIL"} else "ERROR",
            failures=failures,
            warnings=tuple(sentence for verdict in verdicts for sentence in verdict.warnings),
        )

    def _policy(self, cursor: duckdb.DuckDBPyConnection, source: str) -> LoadStatus:
        """What the source's description says about a load that failed."""
        policy = load_source(source, self._sources_dir).on_failure
        if policy == "quarantine":
            return "QUARANTINED"
        older = cursor.execute(
            "select count(*) from lineage.load where source = ? and status = 'ACCEPTED'", [source]
        ).fetchone()
        return "FALLBACK" if policy == "fallback" and older and older[0] else "BLOCKED"

    def _record_refused(
        self,
        cursor: duckdb.DuckDBPyConnection,
        definition: AssetDefinition,
        part: _Waiting,
        verdict: Verdict,
    ) -> None:
        """Keep what was found in a refused load, as something looked at and not taken over."""
        observed = self._materialization(
            definition,
            data_version=part.load_id,
            row_count=part.row_count,
            loads=[part.load_id],
            fallback_sources=[],
            event_kind="OBSERVED",
        )
        record_materialization(cursor, observed, recorded_at=self._clock())
        record_checks(cursor, self._checks(definition.key, [verdict], observed.materialization_id))

    def _refresh_table(
        self,
        cursor: duckdb.DuckDBPyConnection,
        definition: AssetDefinition,
        verdicts: Sequence[Verdict],
        marked_sources: AbstractSet[str],
        *,
        is_discarding: bool,
    ) -> None:
        marked, loads = sorted(marked_sources), _accepted(cursor, definition.relation)
        version = digest_of(*(str(load[0]) for load in loads), "|", *marked)
        latest_version, latest_code, before = _latest(cursor, definition.key)
        if (latest_version, latest_code) == (version, definition.code_version):
            return
        if lost := lost_files(cursor, self._lake, definition.relation):
            if is_discarding:
                return
            raise LostLoadsError(definition.key, lost)
        create_raw_view(
            cursor,
            key=definition.key,
            columns=definition.columns,
            load_folders=[self._lake.home / str(load[1]) for load in loads],
            fallback_sources=marked,
            event_column=event_column(definition),
        )
        made = self._materialization(
            definition,
            data_version=version,
            row_count=sum(int(load[2]) for load in loads),
            loads=[str(load[0]) for load in loads],
            fallback_sources=marked,
            event_kind="MATERIALIZED",
        )
        record_materialization(cursor, made, recorded_at=self._clock())
        before = before if latest_code == definition.code_version else None
        record_changed_days(cursor, self._lake, definition, made, before=before)
        overruled = _overruled(cursor, definition.relation)
        record_checks(cursor, self._checks(definition.key, verdicts, made.materialization_id, overruled=overruled))

    def _materialization(
        self,
        definition: AssetDefinition,
        *,
        data_version: str,
        row_count: int,
        loads: list[str],
        fallback_sources: list[str],
        event_kind: Literal["MATERIALIZED", "OBSERVED"],
    ) -> MaterializationRecord:
        return MaterializationRecord(
            materialization_id=uuid4(),
            asset_key=definition.key,
            run_id=self._run_id,
            code_version=definition.code_version,
            data_version=data_version,
            logical_version=logical_version(
                code_version=definition.code_version,
                input_versions={"loads": data_version},
                parameters={},
                environment_id="",
            ),
            valid_from=self._clock(),
            event_kind=event_kind,
            row_count=row_count,
            columns=definition.columns,
            metadata={"load_ids": loads, "fallback_sources": fallback_sources},
        )

    def _checks(
        self, key: str, verdicts: Sequence[Verdict], materialization_id: UUID, *, overruled: Sequence[str] = ()
    ) -> list[CheckRecord]:
        """Ledger entries of the verdicts, or the PASS of a table that nothing new arrived for.

        Args:
            key: The raw asset.
            verdicts: On loads that are new in it.
            materialization_id: What they are about.
            overruled: Loads it shows that an operator accepted in spite of their gate.
        """
        if verdicts:
            return check_records(
                verdicts,
                materialization_ids={key: str(materialization_id)},
                run_id=self._run_id,
                clock=self._clock,
            )
        return [
            CheckRecord(
                asset_key=key,
                materialization_id=str(materialization_id),
                run_id=self._run_id,
                check_name=GATE_CHECK,
                engine="gx",
                status="PASS",
                is_blocking=True,
                expected="every load passed its suite when it landed, or was accepted by an operator in spite of it",
                actual=f"loads accepted in spite of their gate: {', '.join(overruled)}"
                if overruled
                else "all passed; no new load",
                evaluated_at=self._clock(),
            )
        ]


def _accepted(cursor: duckdb.DuckDBPyConnection, raw_table: str) -> list[tuple[str, str, int]]:
    """Id, folder and row count of the loads a raw table shows."""
    return cursor.execute(
        "select load_id, storage_uri, row_count from lineage.load"
        " where raw_table = ? and status = 'ACCEPTED' order by load_id",
        [raw_table],
    ).fetchall()


def _overruled(cursor: duckdb.DuckDBPyConnection, raw_table: str) -> list[str]:
    """Ids of accepted loads whose gate said no: the reason it gave stays with the load, before the operator's."""
    rows = cursor.execute(
        "select load_id from lineage.load where raw_table = ? and status = 'ACCEPTED' and reason is not null"
        " order by load_id",
        [raw_table],
    )
    return [str(load_id) for (load_id,) in rows.fetchall()]


def _latest(cursor: duckdb.DuckDBPyConnection, key: str) -> tuple[str, str, str | None]:
    """Data version, code version and metadata of what a raw table shows."""
    row = cursor.execute(
        "select data_version, code_version, metadata::varchar from lineage.current_materialization where asset_key = ?",
        [key],
    ).fetchone()
    return row or ("", "", None)
