"""`gridweave reproduce`: replay a materialization and compare it with what was recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.output import JsonOption, print_json, print_table, shown_progress

if TYPE_CHECKING:
    from flows.engine.replay.report import ReplayReport, StepOutcome

COLOURS = {"REPRODUCED": "green", "DIFFERENT": "red", "UNAVAILABLE": "yellow"}
COLUMNS_SHOWN = 5


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(reproduce)


def reproduce(
    materialization_id: Annotated[str, typer.Argument(help="Id from the ledger; `gridweave assets KEY` lists them.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Replay one materialization from its recorded inputs, code and parameters, and compare content hashes.

    Nothing is written: the replay works in a scratch database, also while a run goes on. Exit code 1 when something
    differs or an input is no longer available; what is named with its place.
    """
    from flows.cli.running import pipeline
    from flows.engine.replay.reproducing import reproduce as replay

    project = pipeline()
    with shown_progress():
        report = replay(
            materialization_id,
            settings=project.settings,
            graph=project.graph,
            scored_tables=project.scored_tables,
        )
    if as_json:
        print_json(report.as_json())
    else:
        _print(report)
    if report.outcome != "REPRODUCED":
        raise typer.Exit(1)


def _print(report: ReplayReport) -> None:
    print_table(
        ("step", "outcome", "from", "rows then", "rows now", "what"),
        [
            (each.made.name, each.outcome, each.source, each.made.row_count, each.found.row_count, _what(each))
            for each in report.steps
        ],
    )
    target = report.steps[-1]
    typer.secho(f"\n{target.made.name} {target.made.materialization_id}: {report.outcome}", fg=COLOURS[report.outcome])
    if target.found.data_version:
        typer.echo(f"  recorded {target.made.data_version}\n  found    {target.found.data_version}")
    for note in report.notes:
        typer.echo(f"  note: {note}")


def _what(step: StepOutcome) -> str:
    """Say why a step is not reproduced, with the first columns that differ."""
    shown = ", ".join(step.differing_columns[:COLUMNS_SHOWN])
    hidden = len(step.differing_columns) - COLUMNS_SHOWN
    columns = f"columns {shown}" + (f" and {hidden} more" if hidden > 0 else "") if shown else ""
    return "; ".join(part for part in (step.reason, columns) if part)
