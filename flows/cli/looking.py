"""Commands that look: status, assets, lineage, doctor. They change nothing and never wait for a run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.output import JsonOption, print_json, print_table
from flows.errors import ConfigurationError, UsageError

if TYPE_CHECKING:
    import duckdb

    from flows.assets.graph import AssetGraph


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (status, assets, lineage, doctor):
        app.command()(command)


def status(*, as_json: JsonOption = False) -> None:
    """Show last runs, services, who owns the warehouse, alerts, failed checks, refused loads, and lost files."""
    from flows.cli.alerts import present_alerts
    from flows.clock import utc_now
    from flows.engine.landing.lost_loads import lost_as_refused
    from flows.lineage.status import current_status
    from flows.services.standing import standings
    from flows.settings import get_settings
    from flows.warehouse.lake import Lake
    from flows.warehouse.lock import holder_pid
    from flows.warehouse.reader import open_reader

    settings = get_settings()
    with open_reader(settings.published_dir) as reader:
        facts = current_status(reader) | {"alerts": present_alerts(reader, settings)}
        facts["refused"] = lost_as_refused(reader, Lake(settings.home)) + facts["refused"]
    facts["warehouse_owner_pid"] = holder_pid(settings.warehouse_path)
    facts["services"] = [each.as_row() for each in standings(settings.services_dir, now=utc_now())]
    if as_json:
        print_json(facts)
        return
    for run in facts["last_runs"]:
        typer.echo(f"{run['job_name']:<8} {run['status']:<9} {run['started_at']}  {run['run_id']}")
        if run["error_message"]:
            typer.echo(f"         {run['error_message']}")
    owner = facts["warehouse_owner_pid"]
    typer.echo(f"warehouse: {'free' if owner is None else f'owned by process {owner}'}")
    print_table(
        ("service", "what", "condition", "since", "in trouble with"),
        [
            (each["service"], each["title"], each["condition"], each["started_at"], ", ".join(each["troubles"]))
            for each in facts["services"]
        ],
    )
    print_table(
        ("alert", "severity", "what", "since"),
        [
            (each["alert_id"][:8], each["severity"], f"{each['kind']} {each['subject']}", each["opened_at"])
            for each in facts["alerts"]
        ],
    )
    typer.echo(f"assets: {facts['asset_count']}, released {facts['released_count']}")
    if facts["undelivered_events"]:
        typer.echo(f"openlineage: {facts['undelivered_events']:,} events wait for their backend")
    for each in facts["refused_events"]:
        typer.echo(
            f"openlineage: {each['events']:,} events refused by their backend since {each['since']}: {each['reason']}"
            "; mend the cause, then gridweave outbox retry"
        )
    print_table(("skipped", "why"), [(each["asset_key"], each["reason"]) for each in facts["skipped"]])
    print_table(("failed", "why"), [(each["asset_key"], each["reason"]) for each in facts["failed"]])
    print_table(
        ("failed check", "asset", "blocking", "expected", "found"),
        [
            (
                each["check_name"],
                each["asset_key"],
                each["blocking"],
                each["expected"],
                each["actual"],
            )
            for each in facts["failed_checks"]
        ],
    )
    print_table(
        ("refused load or file", "source", "status", "reason"),
        [(each["reference"], each["source"], each["status"], each["reason"]) for each in facts["refused"]],
    )


def assets(
    key: Annotated[str | None, typer.Argument(help="One asset; none lists all.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Show the catalog, or one asset: definition, owner, dependencies, history, checks, columns."""
    from flows.lineage.catalog import asset_facts, catalog

    graph = _graph()
    if key is None:
        with _reader() as reader:
            rows = catalog(graph, reader)
        if as_json:
            print_json(rows)
        else:
            print_table(
                ("asset", "kind", "owner", "rows", "materialized", "checks"),
                [
                    (
                        row["key"],
                        row["kind"],
                        row["owner"],
                        row["row_count"],
                        row["materialized_at"],
                        row["checks"],
                    )
                    for row in rows
                ],
            )
        return
    with _reader() as reader:
        facts = asset_facts(graph, graph[key].key, reader)
    if as_json:
        print_json(facts)
        return
    for name in (
        "key",
        "kind",
        "engine",
        "owner",
        "group",
        "description",
        "source_path",
        "code_version",
    ):
        typer.echo(f"{name:<13} {facts[name]}")
    typer.echo(f"{'reads':<13} {', '.join(facts['deps']) or 'nothing'}")
    typer.echo(f"{'read by':<13} {', '.join(facts['downstream']) or 'nothing'}")
    print_table(("column", "type"), facts["columns"])
    print_table(
        ("recorded", "event", "rows", "data version", "materialization"),
        [
            (
                each["recorded_at"],
                each["event_kind"],
                each["row_count"],
                each["data_version"],
                each["materialization_id"],
            )
            for each in facts["history"]
        ],
    )
    print_table(
        ("check", "blocking", "status", "expected", "found"),
        [
            (each["check_name"], each["blocking"], each["status"], each["expected"], each["actual"])
            for each in facts["checks"]
        ],
    )


def lineage(
    key: Annotated[str, typer.Argument(help="Asset key.")],
    *,
    upstream: Annotated[bool, typer.Option("--upstream", help="Only what it is made from.")] = False,
    downstream: Annotated[bool, typer.Option("--downstream", help="Only what is made from it.")] = False,
    columns: Annotated[bool, typer.Option("--columns", help="Columns instead of whole assets.")] = False,
    column: Annotated[str | None, typer.Option("--column", help="One column; implies --columns.")] = None,
    direct: Annotated[bool, typer.Option("--direct", help="Columns whose values flow, not what decides.")] = False,
    as_of: Annotated[str | None, typer.Option("--as-of", help="The graph of a past moment, ISO 8601, UTC.")] = None,
    output: Annotated[str, typer.Option("--format", help="text, json, dot or mermaid.")] = "text",
    as_json: JsonOption = False,
) -> None:
    """Draw the graph around an asset, or around its columns, now or as it was."""
    from flows.assets import column_graph, drawing

    output = "json" if as_json else output
    if output not in drawing.FORMATS:
        raise UsageError(f"Unknown format {output!r}.", hint=f"one of {', '.join(drawing.FORMATS)}")
    both = upstream == downstream
    sides = {"upstream": upstream or both, "downstream": downstream or both}
    is_by_column = columns or column is not None
    graph = _graph_of(_moment(as_of), is_by_column=is_by_column)
    if not is_by_column:
        typer.echo(drawing.FORMATS[output](graph, drawing.neighbourhood(graph, key, **sides)))
        return
    links = column_graph.column_links(graph, key, column=column, is_direct_only=direct, **sides)
    typer.echo(column_graph.FORMATS[output](links))


def _moment(text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{text!r} is no moment.", hint="ISO 8601, for example 2026-03-29T06:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _graph_of(moment: datetime | None, *, is_by_column: bool) -> AssetGraph:
    """Return the present graph, or that of a past moment, with column maps where they are asked for."""
    from flows.lineage.definition_periods import graph_as_of
    from flows.lineage.model_columns import with_step_columns

    with _reader() as reader:
        if moment is None:
            graph = _graph()
        elif reader is None:
            raise UsageError("Nothing has been recorded yet.", hint="gridweave run")
        else:
            graph = graph_as_of(reader, moment)
        return with_step_columns(graph, reader, moment=moment) if is_by_column else graph


def _graph() -> AssetGraph:
    from flows.cli.running import pipeline

    return pipeline().graph


@contextmanager
def _reader() -> Iterator[duckdb.DuckDBPyConnection | None]:
    """Open the published state; None before the first run, when the catalog has definitions only."""
    from flows.settings import get_settings
    from flows.warehouse.reader import NothingPublishedError, open_reader

    try:
        with open_reader(get_settings().published_dir) as reader:
            yield reader
    except NothingPublishedError:
        yield None


def doctor(*, as_json: JsonOption = False) -> None:
    """Say what is wrong with this installation and how to mend it. Changes nothing; exit 1 when something is wrong."""
    from dataclasses import asdict

    from flows.clock import utc_now
    from flows.pipelines.doctor import Finding, examine
    from flows.settings import get_settings

    try:
        settings = get_settings()
    except ConfigurationError as error:  # the first thing that may be wrong
        findings = [Finding(subject="settings", verdict="wrong", found=error.message, hint=error.hint)]
    else:
        findings = list(examine(settings, now=utc_now()))
    if as_json:
        print_json([asdict(each) for each in findings])
    else:
        print_table(("", "what", "found"), [(each.verdict, each.subject, each.found) for each in findings])
        for each in findings:
            if each.hint:
                typer.echo(f"{each.subject}: {each.hint}")
    if any(each.verdict == "wrong" for each in findings):
        raise typer.Exit(1)
