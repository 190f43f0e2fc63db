"""`gridweave quality`: the data-quality reports, and what the cleaning rules find against what is known to be wrong."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.output import JsonOption, print_json, print_table

if TYPE_CHECKING:
    from flows.rule_checks.figures import RuleFigure

app = typer.Typer(invoke_without_command=True)


def register(parent: typer.Typer) -> None:
    """Add this module's commands."""
    parent.add_typer(app, name="quality")


@app.callback()
def quality(
    context: typer.Context,
    *,
    open_page: Annotated[bool, typer.Option("--open", help="Open it in a browser.")] = False,
) -> None:
    """Build the data-quality reports: a summary, a page for each day of arrival, and GX Data Docs.

    Trends, worst senders and open problems are on the summary; pages need no network and no script.
    """
    if context.invoked_subcommand is not None:
        return
    from expectations.data_docs import build as build_data_docs
    from flows.settings import get_settings
    from flows.warehouse.reader import open_reader
    from flows.web.quality_page import render_quality_page

    settings = get_settings()
    with open_reader(settings.published_dir) as reader:
        docs_index = build_data_docs(store_dir=settings.quality_dir / "gx", site_dir=settings.quality_dir / "data_docs")
        page = render_quality_page(reader, settings.quality_dir / "index.html", docs_index)
    typer.echo(str(page))
    if open_page:
        typer.launch(page.as_uri())


@app.command("check-rules")
def check_rules(*, as_json: JsonOption = False) -> None:
    """Compare what the cleaning rules found with what is known to be wrong; exit 1 when a goal is missed.

    Known are the simulator's log of injected defects, the classes published with EIA-930, hidden hours of load, and
    defects that publishers document. A comparison needs its data landed and the models run.
    """
    from flows.cli.running import pipeline
    from flows.rule_checks.checking import check_rules as compare
    from flows.settings import get_settings

    settings = get_settings()
    report = compare(
        settings.warehouse_path,
        manifest=pipeline().project.manifest,
        defects_path=settings.truth_dir / "defects.parquet",
    )
    missed = [figure for figure in report.figures if figure.is_met is False]
    if as_json:
        print_json({"figures": [figure.as_row() for figure in report.figures], "left_out": report.left_out})
        raise typer.Exit(int(bool(missed)))
    print_table(
        (
            "data",
            "known defect",
            "known",
            "found",
            "flagged",
            "precision",
            "recall",
            "error",
            "baseline",
            "goal",
            "note",
        ),
        [_cells(figure) for figure in report.figures],
    )
    for name, remedy in report.left_out.items():
        typer.echo(f"left out: {name} ({remedy})")
    typer.echo(f"{len(missed)} of {sum(figure.is_met is not None for figure in report.figures)} goals missed")
    raise typer.Exit(int(bool(missed)))


@app.command()
def propose(
    key: Annotated[str, typer.Argument(help="Table at a gate: raw/…, features/… or ml/….")],
    *,
    out: Annotated[Path | None, typer.Option(help="Write it to this file, which must not exist yet.")] = None,
) -> None:
    """Draft a suite of expectations from the rows of a table, for a person to edit.

    A draft passes on the data it was made from: each bound says what was seen and asks for its reason. A suite goes to
    expectations/suites/<raw, features or ml>/<table>.py.
    """
    from expectations.proposal import draft_suite
    from flows.errors import UsageError
    from flows.settings import get_settings
    from flows.warehouse.reader import open_reader
    from flows.warehouse.work_copy import open_work_copy

    settings, asset = get_settings(), key.replace(".", "/", 1)
    if asset.startswith("raw/"):  # raw tables are not published
        with open_work_copy(settings.warehouse_path) as connection:
            connection.execute("use warehouse")
            draft = draft_suite(connection, asset)
    else:
        with open_reader(settings.published_dir) as reader:
            draft = draft_suite(reader, asset)
    if out is None:
        typer.echo(draft, nl=False)
        return
    try:
        with out.open("x", encoding="utf-8") as file:
            file.write(draft)
    except OSError as error:
        raise UsageError(
            f"{out} cannot be written: {error.strerror}.", hint="name a new file in a folder there is"
        ) from error
    typer.echo(str(out))


def _cells(figure: RuleFigure) -> tuple[str | None, ...]:
    """Write one figure as a row of the table."""
    return (
        figure.data_set,
        figure.rule,
        _count(figure.known_count),
        _count(figure.found_count),
        _count(figure.flagged_count),
        _share(figure.precision),
        _share(figure.recall),
        _percent(figure.error_pct),
        _percent(figure.baseline_pct),
        {True: "met", False: "MISSED", None: None}[figure.is_met],
        figure.note or None,
    )


def _count(number: int | None) -> str | None:
    return None if number is None else f"{number:,}"


def _share(share: float | None) -> str | None:
    """Write a share; what is not whole is never rounded to 1."""
    return None if share is None else "1" if share == 1 else f"{min(share, 0.999):.3f}"


def _percent(value: float | None) -> str | None:
    return None if value is None else f"{value:.2f} %"
