"""Commands that make things: simulate, ingest, loads, plan, run, demo."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.output import JsonOption, print_json, print_summary, print_table, shown_progress
from flows.errors import UsageError

if TYPE_CHECKING:
    from flows.engine.pipeline import Pipeline
    from flows.engine.summary import RunSummary

SelectArgument = Annotated[
    list[str] | None,
    typer.Argument(help="Assets in dbt's syntax: +ml/load_forecast, raw/*+, tag:storm. None: all."),
]
PartitionOption = Annotated[
    str | None,
    typer.Option(
        help="Partition or range: 2026-03-29, 2026-03-29T05, north, 2026-03-01..2026-03-31. None: the latest."
    ),
]
DEMO_DAYS = 365
DEMO_FEEDERS = 12
DEMO_TRANSFORMERS = 300
DEMO_SEED = 7
DEMO_DIRT = 0.3


def register(app: typer.Typer) -> None:
    """Add this module's commands."""
    for command in (demo, simulate, ingest, loads, plan, run, backfill):
        app.command()(command)


def demo(
    *,
    days: Annotated[int, typer.Option(min=30, help="Days of history.")] = DEMO_DAYS,
    feeders: Annotated[int, typer.Option(min=1, help="Feeders.")] = DEMO_FEEDERS,
    transformers: Annotated[int, typer.Option(min=1, help="Power transformers.")] = DEMO_TRANSFORMERS,
    is_storm: Annotated[
        bool, typer.Option("--storm", help="Then let a storm come, as far as the dispatch centre's acknowledgement.")
    ] = False,
) -> None:
    """Simulate a small utility, run the whole pipeline on it, say where the results are."""
    from flows.cli.demo_summary import print_demo_summary
    from flows.settings import get_settings

    settings = get_settings()
    if is_storm and (settings.published_dir / "current.duckdb").exists():
        from flows.cli.storm_demo import run_storm_demo

        run_storm_demo(settings)
        return
    _prefect_begins()
    with shown_progress() as say:
        say(f"simulating {days} days of {feeders} feeders and {transformers} transformers")
        with _simulating(days, feeders, transformers):
            _prepare(say)
        summary = _run([], force=False)
    print_summary(summary)
    if summary.exit_code:
        raise typer.Exit(summary.exit_code)
    print_demo_summary(settings)
    if is_storm:
        from flows.cli.storm_demo import run_storm_demo

        run_storm_demo(settings)


def simulate(
    *,
    days: Annotated[int, typer.Option(min=1, help="Days of history.")] = DEMO_DAYS,
    feeders: Annotated[int, typer.Option(min=1, help="Feeders.")] = DEMO_FEEDERS,
    transformers: Annotated[int, typer.Option(min=1, help="Power transformers.")] = DEMO_TRANSFORMERS,
    seed: Annotated[int, typer.Option(help="Same seed, same files.")] = DEMO_SEED,
    dirt: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="How dirty: 0 clean, 0.3 like real extracts.")
    ] = DEMO_DIRT,
    start: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], help="First day of history.")] = None,
) -> None:
    """Write the extracts of a simulated utility into the inbox, as real systems hand them over."""
    from flows.settings import get_settings
    from flows.sources.simulator.simulation import DEFAULT_START
    from flows.sources.simulator.simulation import simulate as write_extracts

    settings = get_settings()
    first_day: date = start.date() if start else DEFAULT_START
    summary = write_extracts(
        days=days,
        feeders=feeders,
        transformers=transformers,
        seed=seed,
        dirt=dirt,
        start=first_day,
        output_dir=settings.inbox_dir,
        truth_dir=settings.truth_dir,
    )
    for line in summary.as_text():
        typer.secho(line, err=True, dim=True)


def ingest(
    paths: Annotated[list[Path] | None, typer.Argument(help="Files or folders; none: what lies in the inbox.")] = None,
    *,
    source: Annotated[str | None, typer.Option(help="Source description in data/sources, without .yml.")] = None,
    as_json: JsonOption = False,
) -> None:
    """Land files and pass them through the raw gate. The same content twice is landed once."""
    if paths and source is None:
        raise UsageError("Files were given without a source.", hint="add --source NAME; see data/sources")
    for path in paths or []:
        if not path.exists():
            raise UsageError(f"There is no {path}.", hint="name a file or folder that exists")
    with shown_progress():
        report, summary = pipeline().ingest(source, paths or [])
    if as_json:
        print_json(
            {
                "status": summary.status,
                "files": report.file_count,
                "known_files": report.known_count,
                "rows": report.row_count,
                "rejected": [vars(each) for each in report.rejected],
                "notes": summary.notes,
            }
        )
    else:
        typer.echo(
            f"{report.file_count} new files, {report.row_count:,} rows; {report.known_count} files known,"
            f" {len(report.rejected)} rejected"
        )
        for note in (*summary.notes, *summary.blocked.values()):
            typer.echo(f"  {note}")
    raise typer.Exit(summary.exit_code or int(bool(paths and report.rejected)))


def loads(
    *,
    accept: Annotated[str | None, typer.Option(help="Load id to accept after all.")] = None,
    discard: Annotated[
        str | None,
        typer.Option(help="Load id, or rejected file (NAME, SOURCE/NAME, hash), to set aside for good."),
    ] = None,
    reason: Annotated[str, typer.Option(help="Why; kept in the ledger.")] = "",
    as_json: JsonOption = False,
) -> None:
    """List refused loads, loads that lost files and rejected files, or decide on one."""
    from flows.engine.landing.load_decisions import decide, refused

    if accept and discard:
        raise UsageError("A load is either accepted or discarded.", hint="give one of the two")
    if accept or discard:
        if not reason:
            raise UsageError("A decision needs its reason.", hint='add --reason "why"')
        decide(pipeline(), accept or discard or "", is_accepted=bool(accept), reason=reason)
        return
    rows = refused(pipeline())
    if as_json:
        print_json(rows)
    else:
        print_table(
            ("what", "source", "status", "reason"),
            [(row["reference"], row["source"], row["status"], row["reason"]) for row in rows],
        )


def plan(
    select: SelectArgument = None,
    *,
    partition: PartitionOption = None,
    force: Annotated[bool, typer.Option(help="As `run --force` would.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show what a run would do, and why. Changes nothing."""
    from flows.engine.planning.plan import plan_from_published

    with shown_progress() as say:
        _prepare(say)
    steps = plan_from_published(pipeline(), select or [], partition=partition, is_forced=force)
    if as_json:
        print_json({"steps": [vars(step) | {"state": str(step.state)} for step in steps]})
        return
    print_table(
        ("asset", "partition", "state", "causes", "action", "reason"),
        [
            (step.asset_key, step.partition_key, step.state, ", ".join(step.causes), step.action, step.reason)
            for step in steps
        ],
    )


def run(
    select: SelectArgument = None,
    *,
    partition: PartitionOption = None,
    force: Annotated[bool, typer.Option(help="Run what is selected even when fresh.")] = False,
    resume: Annotated[
        str | None, typer.Option(help="Run to take up: only what it did not finish, and what is made from that.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Land the inbox, bring the selected assets up to date, publish."""
    if resume and (select or partition or force):
        raise UsageError("A resumed run brings its own selection.", hint="give --resume alone")
    _prefect_begins()
    with shown_progress() as say:
        _prepare(say, select or [], partition)
        summary = _run(select or [], force=force, partition=partition, resume=resume)
    _say(summary, as_json=as_json)


def backfill(
    select: Annotated[list[str], typer.Argument(help="Assets in dbt's syntax.")],
    *,
    first: Annotated[str, typer.Option("--from", help="First partition, for example 2026-01-01.")],
    last: Annotated[str, typer.Option("--to", help="Last partition.")],
    batch_size: Annotated[int, typer.Option(min=1, help="Days made together.")] = 31,
    as_json: JsonOption = False,
) -> None:
    """Make what is missing or stale of a range of partitions; call it again to take it up."""
    _prefect_begins()
    with shown_progress() as say:
        _prepare(say, select, f"{first}..{last}")
        summary = _run(select, partition=f"{first}..{last}", batch_size=batch_size)
    _say(summary, as_json=as_json)


def _say(summary: RunSummary, *, as_json: bool) -> None:
    """Print a summary and end with its exit code."""
    if as_json:
        print_json(summary.as_json())
    else:
        print_summary(summary)
    raise typer.Exit(summary.exit_code)


@contextmanager
def _simulating(days: int, feeders: int, transformers: int) -> Iterator[None]:
    """Simulate the demo utility in a process of its own while the caller does something else."""
    sizes = {"days": days, "feeders": feeders, "transformers": transformers, "seed": DEMO_SEED, "dirt": DEMO_DIRT}
    options = [part for name, value in sizes.items() for part in (f"--{name}", str(value))]
    with subprocess.Popen([sys.executable, "-m", "flows.cli.main", "simulate", *options]) as child:  # noqa: S603 - ours
        try:
            yield
        except BaseException:
            child.terminate()
            raise
    if child.returncode:
        raise typer.Exit(child.returncode)


def _prepare(say: Callable[[str], None], select: list[str] | None = None, partition: str | None = None) -> None:
    """Do what the first run of all would wait for, while the Prefect server starts, and refuse what means nothing.

    Refused within the flow, it would also be a failed flow run with a traceback.
    """
    from flows.assets.wanted_partitions import selected_partitions

    made = pipeline()
    if not made.project.is_parsed:
        say("reading the dbt project")
        _ = made.project.manifest
    if select or partition:
        selected_partitions(made.graph, select or [], partition, until=made.clock())


def _run(
    select: list[str],
    *,
    force: bool = False,
    partition: str | None = None,
    resume: str | None = None,
    batch_size: int | None = None,
) -> RunSummary:
    """Run the daily flow on the local Prefect server, or a backfill when a batch size is given."""
    from flows.engine.prefect.server import local_server
    from flows.pipelines.daily import run_daily
    from flows.settings import get_settings

    local_server(get_settings()).wait()
    return run_daily(select, force=force, partition=partition, resume=resume, batch_size=batch_size)


def _prefect_begins() -> None:
    """Start the server first; it needs a while and other work goes on meanwhile."""
    from flows.engine.prefect.server import local_server
    from flows.settings import get_settings
    from flows.warehouse.lock import refuse_busy

    refuse_busy(get_settings().warehouse_path)
    local_server(get_settings()).begin()


def pipeline() -> Pipeline:
    """The pipeline of this installation."""
    from flows.pipelines.composition import make_pipeline

    return make_pipeline()
