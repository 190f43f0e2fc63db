"""What the ledger records, once more as OpenLineage events. The only importer of openlineage.

What lives here: building events from rows of the ledger and putting them into the outbox, in the transaction that
opens or closes their run. What does not: sending them (openlineage_delivery.py).

A run of gridweave is a job `run`, `ingest`, …; each materialization is a run of a job named like its asset, and each
set of check results one of `<asset>.checks`; both name the run as their parent. What was reused made no event.
"""

from __future__ import annotations

import json
from collections import defaultdict
from itertools import groupby
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Sequence
    from datetime import datetime

    import duckdb
    from openlineage.client.event_v2 import InputDataset, OutputDataset, RunEvent
    from openlineage.client.facet_v2 import DatasetFacet, RunFacet

NAMESPACE = "gridweave"
PRODUCER = "urn:gridweave"
RUN_EVENTS = {"RUNNING": "START", "COMPLETE": "COMPLETE", "FAIL": "FAIL", "ABORT": "ABORT"}


def queue_runs(cursor: duckdb.DuckDBPyConnection, run_ids: Iterable[object]) -> None:
    """Queue start or end of runs; of single steps only a failure, as success shows in what they made.

    Args:
        cursor: Inside the transaction that wrote the rows.
        run_ids: Runs that started or ended now.
    """
    asked = [str(run_id) for run_id in run_ids]
    if not asked:
        return
    rows = cursor.execute(
        "select r.run_id::varchar, r.job_name, r.run_kind, r.status, coalesce(r.ended_at, r.started_at),"
        " r.error_message, p.run_id::varchar, p.job_name"
        " from lineage.run r left join lineage.run p on p.run_id = r.parent_run_id"
        " where r.run_id in (select unnest(?::uuid[])) and (r.run_kind = 'flow' or r.status = 'FAIL')"
        " order by r.started_at",
        [asked],
    ).fetchall()
    events = []
    for run_id, job_name, kind, status, moment, message, parent_id, parent_name in rows:
        if status not in RUN_EVENTS or kind == "dbt_invocation":
            continue
        facets = _parent(parent_id, parent_name) if parent_id else {}
        if message:
            facets["errorMessage"] = _error(message)
        events.append(_event(RUN_EVENTS[status], moment, run_id, job_name, facets=facets))
    _queue(cursor, events)


def queue_work(cursor: duckdb.DuckDBPyConnection, run_ids: Iterable[object]) -> None:
    """Queue what runs made and checked and the outbox does not hold yet.

    Done once when a run is over, or found dead, instead of with every write: the ledger holds all an event says, and
    to build them one by one took a fifth of the time of a small step.

    Args:
        cursor: Inside the transaction that closes the runs.
        run_ids: Runs that are over.
    """
    asked = [str(run_id) for run_id in run_ids]
    if asked:
        _queue_materializations(cursor, asked)
        _queue_checks(cursor, asked)


def _queue_materializations(cursor: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> None:
    """Queue START and COMPLETE of what was made: schema, source, rows, column lineage and inputs."""
    rows = cursor.execute(
        "select m.materialization_id::varchar, m.asset_key, m.code_version, m.row_count, m.column_schema::varchar,"
        " m.storage_uri, m.valid_from, m.recorded_at, m.run_id::varchar, coalesce(r.job_name, 'run')"
        " from lineage.materialization m left join lineage.run r on r.run_id = m.run_id"
        " where m.event_kind = 'MATERIALIZED' and m.run_id in (select unnest(?::uuid[]))"
        " and m.materialization_id not in (select run_id from lineage.openlineage_event) order by m.seq",
        [run_ids],
    ).fetchall()
    if not rows:
        return
    upstream: dict[str, list[str]] = defaultdict(list)
    for identifier, upstream_key in cursor.execute(
        "select distinct materialization_id::varchar, upstream_key from lineage.materialization_input"
        " where materialization_id in (select unnest(?::uuid[])) order by all",
        [[identifier for identifier, *_ in rows]],
    ).fetchall():
        upstream[identifier].append(upstream_key)
    deps = _column_deps(cursor, {key for _, key, *_ in rows})
    events = []
    for identifier, key, code, count, schema, uri, begun, done, run_id, job_name in rows:
        inputs = [_input(each) for each in upstream[identifier]]
        output = _output(key, count, schema, uri, deps.get((key, code), ()))
        for kind, moment, outputs in (("START", begun, []), ("COMPLETE", done, [output])):
            facets = _parent(run_id, job_name)
            events.append(_event(kind, moment, identifier, key, facets=facets, inputs=inputs, outputs=outputs))
    _queue(cursor, events)


def _queue_checks(cursor: duckdb.DuckDBPyConnection, run_ids: Sequence[str]) -> None:
    """Queue check results, one event for each asset that was looked at; it is named after the first of them.

    What was not run, because no source feeds the table, is no failed assertion.
    """
    rows = cursor.execute(
        "select c.asset_key, c.check_name, c.status, c.column_name, c.severity, c.expected, c.actual, c.evaluated_at,"
        " c.run_id::varchar, coalesce(r.job_name, 'run'), c.check_result_id::varchar"
        " from lineage.check_result c left join lineage.run r on r.run_id = c.run_id"
        " where c.run_id in (select unnest(?::uuid[])) and c.status <> 'NOT_RUN'"
        " order by c.asset_key, c.run_id, c.evaluated_at, c.check_name, c.check_result_id",
        [run_ids],
    ).fetchall()
    queued = {
        identifier
        for (identifier,) in cursor.execute(
            "select run_id::varchar from lineage.openlineage_event where run_id in (select unnest(?::uuid[]))",
            [[row[10] for row in rows]],
        ).fetchall()
    }
    events = []
    for (key, run_id, job_name), group in groupby(rows, key=lambda row: (row[0], row[8], row[9])):
        results = list(group)
        identifier = results[0][10]
        if identifier not in queued:
            inputs = [_input(key, assertions=[row[1:7] for row in results])]
            facets = _parent(run_id, job_name)
            moment = max(row[7] for row in results)
            events.append(_event("COMPLETE", moment, identifier, f"{key}.checks", facets=facets, inputs=inputs))
    _queue(cursor, events)


def waiting_count(reader: duckdb.DuckDBPyConnection) -> int:
    """Count events that no backend has taken or refused yet; none in a ledger that is older than the outbox."""
    there = reader.execute(
        "select 1 from information_schema.tables where table_schema = 'lineage' and table_name = 'openlineage_event'"
    ).fetchall()
    if not there:
        return 0
    row = reader.execute(
        "select count(*) from lineage.openlineage_event anti join lineage.openlineage_refusal using (seq)"
        " where delivered_at is null"
    ).fetchone()
    return int(row[0]) if row else 0


def _queue(cursor: duckdb.DuckDBPyConnection, events: Sequence[RunEvent]) -> None:
    """Put events into the outbox."""
    if not events:
        return
    from openlineage.client.serde import Serde

    columns = [
        [each.run.runId for each in events],
        [str(each.eventType.value) if each.eventType else "" for each in events],
        [each.eventTime for each in events],
        [Serde.to_json(each) for each in events],
    ]
    cursor.execute(
        "insert into lineage.openlineage_event"
        " select (select coalesce(max(seq), 0) from lineage.openlineage_event) + unnest(range(1, ?)),"
        " unnest(?::uuid[]), unnest(?::varchar[]), unnest(?::varchar[])::timestamptz, unnest(?::varchar[])::json, null",
        [len(events) + 1, *columns],
    )


def _event(
    kind: str,
    moment: datetime,
    run_id: str,
    job_name: str,
    *,
    facets: dict[str, RunFacet],
    inputs: Sequence[InputDataset] = (),
    outputs: Sequence[OutputDataset] = (),
) -> RunEvent:
    from openlineage.client.event_v2 import Job, Run, RunEvent, RunState

    return RunEvent(
        eventTime=moment.isoformat(),
        producer=PRODUCER,
        run=Run(runId=run_id, facets=facets),
        job=Job(namespace=NAMESPACE, name=job_name),
        eventType=RunState[kind],
        inputs=list(inputs),
        outputs=list(outputs),
    )


def _parent(run_id: str, job_name: str) -> dict[str, RunFacet]:
    from openlineage.client.facet_v2 import parent_run

    run, job = parent_run.Run(runId=run_id), parent_run.Job(namespace=NAMESPACE, name=job_name)
    return {"parent": parent_run.ParentRunFacet(run=run, job=job, producer=PRODUCER)}


def _error(message: str) -> RunFacet:
    from openlineage.client.facet_v2 import error_message_run

    return error_message_run.ErrorMessageRunFacet(message=message, programmingLanguage="Python", producer=PRODUCER)


def _input(key: str, assertions: Sequence[tuple[Any, ...]] = ()) -> InputDataset:
    """Describe a dataset that was read, with what was checked on it."""
    from openlineage.client.event_v2 import InputDataset
    from openlineage.client.facet_v2 import data_quality_assertions_dataset as quality

    if not assertions:
        return InputDataset(namespace=NAMESPACE, name=key)
    found = [
        quality.Assertion(
            assertion=name,
            success=status == "PASS",
            column=column,
            severity="error" if severity == "ERROR" else "warn",
            expected=expected,
            actual=actual,
        )
        for name, status, column, severity, expected, actual in assertions
    ]
    facet = quality.DataQualityAssertionsDatasetFacet(assertions=found, producer=PRODUCER)
    return InputDataset(namespace=NAMESPACE, name=key, inputFacets={"dataQualityAssertions": facet})


def _output(
    key: str, row_count: int | None, schema: str | None, uri: str | None, deps: Sequence[tuple[Any, ...]]
) -> OutputDataset:
    """Describe a dataset that was made."""
    from openlineage.client.event_v2 import OutputDataset
    from openlineage.client.facet_v2 import datasource_dataset, output_statistics_output_dataset, schema_dataset

    fields = [
        schema_dataset.SchemaDatasetFacetFields(name=name, type=kind) for name, kind in json.loads(schema or "[]")
    ]
    facets: dict[str, DatasetFacet] = {
        "schema": schema_dataset.SchemaDatasetFacet(fields=fields, producer=PRODUCER),
        "dataSource": datasource_dataset.DatasourceDatasetFacet(
            name=NAMESPACE, uri=uri or "duckdb:warehouse", producer=PRODUCER
        ),
    }
    if deps:
        facets["columnLineage"] = _column_lineage(deps)
    statistics = output_statistics_output_dataset.OutputStatisticsOutputDatasetFacet(
        rowCount=row_count, producer=PRODUCER
    )
    return OutputDataset(namespace=NAMESPACE, name=key, facets=facets, outputFacets={"outputStatistics": statistics})


def _column_lineage(deps: Sequence[tuple[Any, ...]]) -> DatasetFacet:
    from openlineage.client.facet_v2 import column_lineage_dataset as columns

    fields = {}
    for name, group in groupby(deps, key=lambda dep: dep[0]):
        fields[name] = columns.Fields(
            inputFields=[
                columns.InputField(
                    namespace=NAMESPACE,
                    name=upstream_key,
                    field=upstream_column,
                    transformations=[columns.Transformation(type=kind, subtype=subtype)],
                )
                for _, upstream_key, upstream_column, kind, subtype in group
            ]
        )
    return columns.ColumnLineageDatasetFacet(fields=fields, producer=PRODUCER)


def _column_deps(
    cursor: duckdb.DuckDBPyConnection, keys: Collection[str]
) -> dict[tuple[str, str], list[tuple[Any, ...]]]:
    """Return column lineage by asset and code version, where the ledger holds any."""
    found: dict[tuple[str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for key, code, *dep in cursor.execute(
        "select asset_key, code_version, column_name, upstream_key, upstream_column, transform_type, transform_subtype"
        " from lineage.column_dep where list_contains(?::varchar[], asset_key) order by all",
        [sorted(keys)],
    ).fetchall():
        found[key, code].append(tuple(dep))
    return found
