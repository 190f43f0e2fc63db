"""How the command line prints: tables, JSON, progress, the summary of a run."""

from __future__ import annotations

import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import zip_longest
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from flows.engine.summary import RunSummary

KEYS_SHOWN = 4
ROWS_FITTED = 1_000
"""Longer tables are printed as they are: fitting one to a terminal takes rich a millisecond a row and more."""

JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON for a machine.")]


def print_json(value: object) -> None:
    """Print one JSON document."""
    typer.echo(json.dumps(value, default=str, indent=2))


def print_table(headers: Sequence[str], rows: Iterable[Sequence[Any]], *, title: str = "") -> None:
    """Print a table that fits a terminal; when piped, or too long to be looked at, nothing is cut."""
    texts = [["" if cell is None else str(cell) for cell in row] for row in rows]
    if len(texts) > ROWS_FITTED or not sys.stdout.isatty():
        _print_plain(headers, texts, title=title)
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(*headers, title=title or None, title_justify="left", header_style="bold", box=None)
    for cells in texts:
        table.add_row(*cells)
    Console(highlight=False).print(table)


def _print_plain(headers: Sequence[str], rows: Sequence[Sequence[str]], *, title: str) -> None:
    """Print columns side by side, as wide as they are; a cell of several lines takes as many."""
    lines = [line for row in (headers, *rows) for line in _lines(row)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    if title:
        typer.echo(title)
    for line in lines:
        cells = (cell.ljust(width) for cell, width in zip(line, widths, strict=True))
        typer.echo(f" {'  '.join(cells)}".rstrip())


def _lines(row: Sequence[str]) -> Iterable[Sequence[str]]:
    """Return the row, as several where a cell has several lines."""
    if not any("\n" in cell for cell in row):
        return (row,)
    return zip_longest(*(cell.splitlines() for cell in row), fillvalue="")


@contextmanager
def shown_progress() -> Iterator[Callable[[str], None]]:
    """Print what a run says about itself on standard error, each line with the seconds since the start.

    Yields:
        Prints a line of the command's own in the same way.
    """
    started = time.monotonic()

    class Printer(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            typer.secho(f"{time.monotonic() - started:6.1f}s  {record.getMessage()}", err=True, dim=True)

    progress = logging.getLogger("flows.progress")
    handler = Printer()
    progress.addHandler(handler)
    progress.setLevel(logging.INFO)
    progress.propagate = False
    try:
        yield progress.info
    finally:
        progress.removeHandler(handler)


def print_summary(summary: RunSummary) -> None:
    """Print what a run came to."""
    colour = {"COMPLETE": "green", "FAIL": "red", "BLOCKED": "yellow"}[summary.status]
    typer.secho(f"\nrun {summary.run_id}: {summary.status} in {summary.seconds:.1f} s", fg=colour, bold=True)
    typer.echo(
        f"  {len(summary.materialized)} materialized, {len(summary.reused)} reused,"
        f" {len(summary.skipped)} skipped, {len(summary.failed)} failed, {len(summary.blocked)} blocked;"
        f" {sum(summary.row_counts.values()):,} rows written"
    )
    if summary.gates:
        gates = ", ".join(f"{name} {status}" for name, status in summary.gates.items())
        typer.echo(f"  gates: {gates}")
    for word, facts in (
        ("skipped", summary.skipped),
        ("failed", summary.failed),
        ("blocked", summary.blocked),
    ):
        for reason, keys in _by_reason(facts).items():
            more = f" and {len(keys) - KEYS_SHOWN} more" if len(keys) > KEYS_SHOWN else ""
            typer.echo(f"  {word} {', '.join(keys[:KEYS_SHOWN])}{more}: {reason}")
    for note in summary.notes:
        typer.echo(f"  note: {note}")


def _by_reason(facts: Mapping[str, str]) -> dict[str, list[str]]:
    """Turn reasons by key into keys by reason: one closed gate stops many assets."""
    grouped: dict[str, list[str]] = {}
    for key, reason in facts.items():
        grouped.setdefault(reason, []).append(key)
    return grouped
