"""The summary of data quality: a page of how things stand, and one for each day of arrival.

What lives here: turning figures into pages. What does not: the figures (quality_figures, quality_days, quality_trends)
and the details of every expectation (Great Expectations Data Docs, linked from the page).

Each file is self-contained: style and drawings inline, no script, nothing fetched. Everything that
comes from data is escaped by the template.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from flows.web import quality_trends
from flows.web.quality_days import ArrivalDay, ArrivedLoad, read_days
from flows.web.quality_figures import Arrival, Check, QualityFigures, read_quality_figures
from flows.web.quality_trends import read_trends, read_worst

if TYPE_CHECKING:
    from collections.abc import Sequence

    import duckdb

_TEMPLATE_FOLDER = Path(__file__).parent

_BAR_WIDTH = 1000
# A single lost row among a million must be visible.
_SMALLEST_MARK = 8
_SAMPLE_ROWS_SHOWN = 2
_LARGEST_CUTS_SHOWN = 12

_LOAD_WORDS = {
    "BLOCKED": "load refused, blocks",
    "FALLBACK": "load refused, older one stands in",
    "QUARANTINED": "load set aside",
}


@dataclass(frozen=True, kw_only=True)
class _Segment:
    """One piece of a conservation bar, in drawing units."""

    kind: str
    start: float
    width: float


def render_quality_page(connection: duckdb.DuckDBPyConnection, output: Path, docs_index: Path | None = None) -> Path:
    """Write the page, and the pages of the latest days into `days/` beside it.

    Args:
        connection: Read-only connection to a snapshot with schemas lineage, reports, quarantine and
            marts; relations that are absent are shown as empty.
        output: File to write; its folder is made.
        docs_index: Index of the Data Docs site to link to; None links to nothing.

    Returns:
        The file.
    """
    figures = read_quality_figures(connection)
    days = read_days(connection)
    failed = [check for check in figures.checks if check.status in ("FAIL", "ERROR")]
    environment = _environment()
    page = environment.get_template("quality_page.html.j2").render(
        figures=figures,
        verdict=_verdict(figures, failed),
        evaluated_at=max((check.evaluated_at for check in figures.checks), default=None),
        totals=_totals(figures),
        bars=[(arrival, _segments(arrival, arrival.row_count_in)) for arrival in figures.arrivals],
        cuts=figures.cuts[:_LARGEST_CUTS_SHOWN],
        smaller_cuts=figures.cuts[_LARGEST_CUTS_SHOWN:],
        largest_cut=max((cut.row_count for cut in figures.cuts), default=1),
        failed=[(check, _sample_rows(check)) for check in failed],
        docs_link=None if docs_index is None else _relative(docs_index, output.parent),
        days=days,
        trends=read_trends(connection),
        trend_days=quality_trends.DAYS_SHOWN,
        worst=read_worst(connection),
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(page, encoding="utf-8")
    _write_days(environment, days, output.parent / "days")
    return output


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_TEMPLATE_FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters |= {"count": _count, "share": _share, "moment": _moment}
    environment.globals |= {
        "bar_width": _BAR_WIDTH,
        "chart_width": quality_trends.CHART_WIDTH,
        "chart_height": quality_trends.CHART_HEIGHT,
        "load_words": _LOAD_WORDS,
    }
    return environment


def _write_days(environment: jinja2.Environment, days: Sequence[ArrivalDay], folder: Path) -> None:
    """Write a page for each day; pages of older days stay as they were written."""
    folder.mkdir(parents=True, exist_ok=True)
    template = environment.get_template("quality_day.html.j2")
    for number, day in enumerate(days):
        page = template.render(
            day=day,
            later=days[number - 1] if number else None,
            earlier=days[number + 1] if number + 1 < len(days) else None,
            failed=[(check, _sample_rows(check)) for check in day.failed],
            bars=[(load, _segments(load, load.row_count)) for load in day.loads],
            largest_cut=max((cut.row_count for cut in day.cuts), default=1),
        )
        (folder / f"{day.day}.html").write_text(page, encoding="utf-8")


def _verdict(figures: QualityFigures, failed: list[Check]) -> str:
    """One word for the whole: blocked, look or good."""
    has_blocked_load = any(load.status == "BLOCKED" for load in figures.loads_set_aside)
    if figures.unbalanced or has_blocked_load or any(check.is_blocking for check in failed):
        return "blocked"
    if failed or figures.loads_set_aside or any(each.is_fallback for each in figures.arrivals):
        return "look"
    return "good" if figures.checks else "empty"


def _totals(figures: QualityFigures) -> dict[str, int]:
    """Sums over all raw tables and checks."""
    statuses = [check.status for check in figures.checks]
    return {
        "rows": sum(arrival.row_count_in for arrival in figures.arrivals),
        "clean": sum(arrival.row_count_clean for arrival in figures.arrivals),
        "quarantined": sum(arrival.row_count_quarantined for arrival in figures.arrivals),
        "duplicate": sum(arrival.row_count_duplicate for arrival in figures.arrivals),
        "checks": len(statuses),
        "passed": statuses.count("PASS"),
        "not_run": statuses.count("NOT_RUN"),
    }


def _segments(fate: Arrival | ArrivedLoad, row_count_in: int) -> list[_Segment]:
    """Pieces of a conservation bar; what does not add up is a piece of its own. None for what was not cleaned yet."""
    if fate.row_count_clean is None:
        return []
    counts = {
        "clean": fate.row_count_clean,
        "quarantined": fate.row_count_quarantined or 0,
        "duplicate": fate.row_count_duplicate or 0,
    }
    counts["missing"] = max(0, row_count_in - sum(counts.values()))
    total = max(sum(counts.values()), 1)
    widths = {kind: max(_BAR_WIDTH * count / total, _SMALLEST_MARK) for kind, count in counts.items() if count}
    scale = _BAR_WIDTH / sum(widths.values()) if widths else 1.0
    segments, start = [], 0.0
    for kind, width in widths.items():
        segments.append(_Segment(kind=kind, start=round(start, 1), width=round(width * scale, 1)))
        start += width * scale
    return segments


def _sample_rows(check: Check) -> list[str]:
    """The first rows of a sample, one line of `column value` pairs each."""
    rows = json.loads(check.sample) if check.sample else []
    if not isinstance(rows, list):
        return []
    return [
        ", ".join(f"{name} {value}" for name, value in row.items() if value is not None)
        for row in rows[:_SAMPLE_ROWS_SHOWN]
        if isinstance(row, dict)
    ]


def _relative(target: Path, folder: Path) -> str:
    """Link from a folder to a file that also works when both are moved together."""
    return Path(os.path.relpath(target.resolve(), folder.resolve())).as_posix()


def _count(number: int | None) -> str:
    """Write a count with thousands separators; a dash when unknown."""
    return "–" if number is None else f"{number:,}"  # noqa: RUF001 - a dash, for a table cell


def _share(part: int, whole: int) -> str:
    """Write a share in per cent, never rounded to all or nothing."""
    if whole == 0:
        return "0 %"
    share_pct = 100 * part / whole
    if 0 < share_pct < 0.01:  # noqa: PLR2004 - the last digit that is shown
        return "< 0.01 %"
    if 99.99 < share_pct < 100:  # noqa: PLR2004 - as above
        return "> 99.99 %"
    return f"{share_pct:.2f}".rstrip("0").rstrip(".") + " %"


def _moment(instant: datetime | None) -> str:
    """Write an instant in UTC to the minute."""
    return "never" if instant is None else instant.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")
