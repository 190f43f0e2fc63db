"""Every figure of the models beside what is to be reached, from the files to the table in the README.

    make evaluate          (python -m tests.benchmarks.evaluation [USE_CASE…])

A home is fed with the public data sets beside the checkout, another with the utility of the demo; each is run whole,
then `gridweave evaluate` and `gridweave quality check-rules` say what came of it. About half an hour on two cores; with
use cases named, only their data are run and only their lines measured anew, the others stay as the README has them.

What lives here: running, comparing, writing. What does not: which figures and goals (evaluation_rows.py).
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from tests.benchmarks.evaluation_rows import PUBLIC, ROWS, SIMULATED, SUMMER, HomeName, Wanted
from tests.benchmarks.results import RESULTS
from tests.conftest import CHECKOUT, SHARED_DATA, free_port

LOAD = ("load_forecast", "retraining")
SOURCES: dict[str, tuple[str, ...]] = {
    "vic_load_weather": LOAD,
    "eia930_load": (*LOAD, "rules"),
    "tetouan_zones_weather": LOAD,
    "alliander_feeders": LOAD,
    "ett_transformer": ("top_oil",),
    "transformer_dga_health": ("transformer_health",),
    "pge_outages": ("restoration_time", "storm_priority"),
    "scada_mms_iec104": ("scada_anomaly",),
}
SIMULATION = ("--days", "365", "--feeders", "12", "--transformers", "300", "--seed", "7", "--dirt", "0.3")
MARKS = ("<!-- figures: written by make evaluate -->", "<!-- end of figures -->")
HEADER = (
    "| figure | data | gridweave | baseline | the field | goal | |",
    "| --- | --- | --- | --- | --- | --- | --- |",
)
BLOCKED = 3  # a run with a refused load or gate still evaluates what it made
MISSED_GOALS = 1


@dataclass(frozen=True, kw_only=True)
class Home:
    """One installation's data, with a Prefect server of its own."""

    path: Path
    port: int

    def call(self, *arguments: str, allowed: tuple[int, ...] = (0,)) -> str:
        """Run a command; return what it printed.

        Raises:
            RuntimeError: It ended otherwise than allowed.
        """
        settings = {"GRIDWEAVE_HOME": str(self.path), "GRIDWEAVE_PREFECT_PORT": str(self.port)}
        done = subprocess.run(
            [sys.executable, "-m", "flows.cli.main", *arguments],
            cwd=CHECKOUT,
            env={**os.environ, **settings},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode not in allowed:
            raise RuntimeError(f"gridweave {' '.join(arguments)} ended with {done.returncode}: {done.stderr[-2000:]}")
        return done.stdout

    def evaluate(self, *arguments: str) -> list[dict[str, Any]]:
        """Return the figures of a use case."""
        rows: list[dict[str, Any]] = json.loads(self.call("evaluate", *arguments, "--json"))["rows"]
        return rows


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of the table."""

    words: str
    data: str
    value: float
    baseline: float | None
    reference: str
    goal: str
    is_reached: bool


def fill(home: Home, use_cases: set[str]) -> None:
    """Feed a home with the public data sets of some use cases and run it."""
    inbox = home.path / "inbox"
    inbox.mkdir(parents=True)
    for name, fed in SOURCES.items():
        if use_cases & set(fed):
            (inbox / name).symlink_to(SHARED_DATA / name)
    (inbox / "scada_mms_incidents").symlink_to(CHECKOUT / "data" / "sample")
    home.call("run", allowed=(0, BLOCKED))


def simulate(home: Home, _use_cases: set[str]) -> None:
    """Simulate the utility of the demo and run it."""
    home.path.mkdir()
    home.call("simulate", *SIMULATION)
    home.call("run", allowed=(0, BLOCKED))


def compare(wanted: Wanted, rows: list[dict[str, Any]], homes: Mapping[HomeName, Home]) -> Line:
    """Return a row of the table from the figures of its use case."""
    found = [row for row in rows if row["metric"] == wanted.metric and row["series_id"] in wanted.series]
    if len(found) != len(wanted.series):
        known = sorted({row["series_id"] for row in rows if row["metric"] == wanted.metric})
        raise RuntimeError(f"{wanted.words}: no figure of {', '.join(wanted.series)}; there are {', '.join(known)}")
    values = [row["value"] for row in found]
    baselines = [row["baseline"] for row in found if row["baseline"] is not None]
    value = float("nan") if None in values else float(np.mean(values))
    baseline = float(np.mean(baselines)) if baselines else None
    if wanted.of_baseline and baseline is not None:
        value, baseline = value / baseline, None
    value -= wanted.less
    at_most, at_least = _goal(wanted, homes)
    return Line(
        words=wanted.words,
        data=wanted.data,
        value=value,
        baseline=baseline,
        reference=wanted.reference,
        goal=f"<= {at_most:.4g}" if at_most is not None else f">= {at_least:.4g}",
        is_reached=value <= at_most if at_most is not None else value >= (at_least or 0.0),
    )


def _goal(wanted: Wanted, homes: Mapping[HomeName, Home]) -> tuple[float | None, float | None]:
    """Return the most or the least the figure may be."""
    if wanted.beats_naive:
        return _better_naive(homes[PUBLIC], wanted.series[0]), None
    if wanted.within_ceiling is not None:
        return None, _ceiling(homes[SIMULATED], wanted.ceiling) - wanted.within_ceiling
    return wanted.at_most, wanted.at_least


def _better_naive(home: Home, series_id: str) -> float:
    """Return the smaller MAPE of the same hour a day and a week before, on measured hours of the summer."""
    query = """
        with hours as (
            from features.feat_load_forecast__hourly select load_mw, is_imputed, valid_at,
                lag(load_mw, 24) over w as day_before, lag(load_mw, 168) over w as week_before
            where series_id = $series window w as (order by valid_at)
        )
        select 100 * avg(abs(load_mw - day_before) / load_mw), 100 * avg(abs(load_mw - week_before) / load_mw)
        from hours where not is_imputed and load_mw > 0 and valid_at between $first and $last"""
    with duckdb.connect(str(home.path / "published" / "current.duckdb"), read_only=True) as snapshot:
        window = {"first": f"{SUMMER[1]} 00:00:00+00", "last": f"{SUMMER[3]} 00:00:00+00"}
        row = snapshot.execute(query, {"series": series_id, **window}).fetchone()
    if row is None:
        raise RuntimeError(f"no hours of {series_id}")
    return float(min(row))


def _ceiling(home: Home, name: str) -> float:
    """Return the best figure that the truth itself reaches, as the simulator wrote it."""
    path = home.path / "truth" / "ceilings.parquet"
    with duckdb.connect() as connection:
        query = "select use_case || ' ' || metric, value from read_parquet(?)"
        rows = connection.execute(query, [str(path)]).fetchall()
    return float(dict(rows)[name])


def rule_lines(home: Home) -> list[Line]:
    """Return what the cleaning rules find and how well gaps are filled."""
    report = json.loads(home.call("quality", "check-rules", "--json", allowed=(0, MISSED_GOALS)))["figures"]
    lines = []
    for row in report:
        is_screening = row["data_set"] == "eia930 all series" and row["rule"] == "anomalous hours, MISSING aside"
        for name, goal in (("precision", 0.95), ("recall", 0.9)) if is_screening else ():
            lines.append(
                Line(
                    words=f"flagged hours against the published class, {name}",
                    data="eia930, 14 authorities",
                    value=row[name],
                    baseline=None,
                    reference="four simple rules .999 / .586",
                    goal=f">= {goal:g}",
                    is_reached=row[name] >= goal,
                )
            )
        if row["data_set"] == "imputation EIA930":
            lines.append(
                Line(
                    words=f"hidden hours filled, MAPE %, {row['rule']}",
                    data="eia930, 14 authorities",
                    value=row["error_pct"],
                    baseline=row["baseline_pct"],
                    reference="literature 1 - 4",
                    goal="<= 4",
                    is_reached=row["error_pct"] <= 4.0,
                )
            )
    return lines


def as_markdown(lines: list[Line]) -> list[str]:
    """Return the rows of the README's table, one a line."""
    rows = []
    for each in lines:
        baseline = "" if each.baseline is None else f"{each.baseline:.3g}"
        verdict = "reached" if each.is_reached else "**missed**"
        cells = (each.words, each.data, f"{each.value:.3g}", baseline, each.reference, each.goal, verdict)
        rows.append(f"| {' | '.join(cells)} |")
    return rows


def with_kept(rows: list[str], earlier: list[str]) -> list[str]:
    """Return the rows with those measured earlier and not now, in the order of a whole evaluation.

    Args:
        rows: Measured now.
        earlier: Of the README.
    """
    now = {_measured(row): row for row in rows}
    joined = [now.pop(_measured(row), row) for row in earlier]
    return [*joined, *now.values()]


def _measured(row: str) -> tuple[str, ...]:
    """Return what a row is about: its figure and its data."""
    return tuple(row.split(" | ")[:2])


def read_table(text: str) -> list[str]:
    """Return the rows of the table in the README's text."""
    shown = text.partition(MARKS[0])[2].partition(MARKS[1])[0]
    return [line for line in shown.splitlines() if line.startswith("| ")][len(HEADER) :]


def write_table(text: str, rows: list[str]) -> str:
    """Return the README's text with these rows between its marks."""
    before, rest = text.split(MARKS[0])
    after = rest.split(MARKS[1])[1]
    table = "\n".join([*HEADER, *rows])
    return f"{before}{MARKS[0]}\n\n{table}\n\n{MARKS[1]}{after}"


def measure(use_cases: set[str]) -> list[Line]:
    """Run what the use cases need; return their lines."""
    rows = [each for each in ROWS if each.evaluate[0] in use_cases]
    needed = {each.home for each in rows} | ({PUBLIC} if "rules" in use_cases else set())
    homes: dict[HomeName, Home] = {}
    with tempfile.TemporaryDirectory(prefix="evaluation") as folder:
        try:
            for name, make in ((PUBLIC, fill), (SIMULATED, simulate)):
                if name in needed:
                    print(f"{name}: from files to scores", flush=True)
                    homes[name] = Home(path=Path(folder) / name, port=free_port())
                    make(homes[name], use_cases)
            figures = {}
            for home, arguments in dict.fromkeys((each.home, each.evaluate) for each in rows):
                print(f"{home}: evaluate {' '.join(arguments)}", flush=True)
                figures[home, arguments] = homes[home].evaluate(*arguments)
            lines = [compare(each, figures[each.home, each.evaluate], homes) for each in rows]
            return [*lines, *(rule_lines(homes[PUBLIC]) if "rules" in use_cases else ())]
        finally:
            for started in homes.values():
                started.call("down", allowed=(0, 1))


def main(use_cases: set[str]) -> None:
    """Measure, write."""
    known = {each.evaluate[0] for each in ROWS} | {"rules"}
    if use_cases - known:
        raise SystemExit(f"no figures of {', '.join(use_cases - known)}; there are {', '.join(sorted(known))}")
    lines = measure(use_cases or known)
    RESULTS.mkdir(parents=True, exist_ok=True)
    stored = json.dumps([vars(each) for each in lines], indent=2)
    (RESULTS / "evaluation.json").write_text(f"{stored}\n", encoding="utf-8")
    readme = CHECKOUT / "README.md"
    text = readme.read_text(encoding="utf-8")
    rows = with_kept(as_markdown(lines), read_table(text) if use_cases else [])
    print("\n".join(rows))
    readme.write_text(write_table(text, rows), encoding="utf-8")


if __name__ == "__main__":
    main(set(sys.argv[1:]))
