"""What the benchmarks share: goals, one table, one JSON file each below build/.

What lives here: keeping and showing results. What does not: measuring (bench_*.py).

Seconds of a shared machine say little, so what is shown and compared are medians and ratios of one run; the seconds
they come from stand in the JSON.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).resolve().parents[2] / "build" / "benchmarks"


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One measured figure beside its goal.

    Args:
        name: What was measured.
        value: The figure.
        unit: `s`, or `x` for a ratio.
        at_most: The goal; None where there is none.
    """

    name: str
    value: float
    unit: str
    at_most: float | None = None

    @property
    def verdict(self) -> str:
        """Say in one word whether the goal was reached."""
        if self.at_most is None:
            return ""
        return "reached" if self.value <= self.at_most else "missed"


def report(name: str, figures: list[Figure], **details: object) -> None:
    """Print a table and write it with its details as JSON.

    Args:
        name: Of the benchmark and its file.
        figures: Rows of the table.
        details: Whatever the figures come from, for the JSON only.
    """
    print(f"\n{name}")
    print(f"  {'figure':62} {'measured':>12} {'goal':>12}")
    for each in figures:
        goal = "" if each.at_most is None else f"<= {each.at_most:g} {each.unit}"
        print(f"  {each.name:62} {f'{each.value:.3g} {each.unit}':>12} {goal:>12}  {each.verdict}".rstrip(), flush=True)
    RESULTS.mkdir(parents=True, exist_ok=True)
    rows = [asdict(each) | {"verdict": each.verdict} for each in figures]
    (RESULTS / f"{name}.json").write_text(json.dumps({"figures": rows, **details}, indent=2) + "\n", encoding="utf-8")
