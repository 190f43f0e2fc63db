"""Score 1,000,000 rows of transformer features with the forest a fleet of 300 gives.

    python -m tests.benchmarks.bench_scoring [rows]

The model is trained on a made-up fleet of the size and event count of the simulated one; the rows scored are its weekly
rows, repeated with noise. Prints a table; asserts nothing about time.
"""

from __future__ import annotations

import sys
import time

import numpy as np
import pandas as pd

from ml.transformer_failure.config import FEATURE_COLUMNS, LABEL
from ml.transformer_failure.score import score
from ml.transformer_failure.train import train
from tests.benchmarks.results import Figure, report

ASSETS, WEEKS, FAILURES = 300, 52, 60
GOAL_SECONDS = 10.0
REPETITIONS = 3
WARNING_DAYS = 60
LABEL_DAYS = 28


def make_fleet(generator: np.random.Generator) -> pd.DataFrame:
    """Weekly rows of a fleet in which every feature varies and failures announce themselves by gas and vibration."""
    asset, week = np.repeat(np.arange(ASSETS), WEEKS), np.tile(np.arange(WEEKS), ASSETS)
    fails_on_day = np.full(ASSETS, np.inf)
    failing = generator.choice(ASSETS, size=FAILURES, replace=False)
    fails_on_day[failing] = generator.integers(60, 7 * WEEKS, size=FAILURES)
    days_left = fails_on_day[asset] - 7 * week
    is_announced = (days_left < WARNING_DAYS).astype(float)
    values = {name: generator.lognormal(1.0, 0.5, len(asset)) for name in FEATURE_COLUMNS}
    values["mean_hydrogen_ppm_28d"] = generator.lognormal(3.3 + 1.0 * is_announced, 0.5)
    values["vibration_change_mm_s"] = generator.normal(0.3 * is_announced, 0.3)
    weekly = pd.DataFrame(
        {
            "network_id": "SIM",
            "asset_id": [f"T{number:03}" for number in asset],
            "valid_at": pd.Timestamp("2023-01-02", tz="UTC") + pd.to_timedelta(7 * week, unit="D"),
            **values,
            LABEL: pd.array(days_left <= LABEL_DAYS, dtype="boolean"),
            "is_live": False,
            "is_fallback": False,
        }
    ).assign(available_at=lambda rows: rows["valid_at"])
    return weekly[days_left > 0].reset_index(drop=True)


def make_rows(fleet: pd.DataFrame, count: int, generator: np.random.Generator) -> pd.DataFrame:
    """Rows to score: the fleet's, drawn again with noise so that no two are the same."""
    rows = fleet.iloc[generator.integers(0, len(fleet), count)].reset_index(drop=True)
    noise = generator.lognormal(0.0, 0.05, (count, len(FEATURE_COLUMNS)))
    rows[list(FEATURE_COLUMNS)] = rows[list(FEATURE_COLUMNS)].to_numpy(dtype=float) * noise
    return rows.assign(is_live=True)


def main() -> None:
    """Measure and print."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    generator = np.random.default_rng(7)
    fleet = make_fleet(generator)
    trained = train(fleet)
    rows = make_rows(fleet, count, generator)
    seconds, processor = [], []
    for _ in range(REPETITIONS):
        started, used = time.perf_counter(), time.process_time()
        scored = score(trained.model, rows)
        seconds.append(time.perf_counter() - started)
        processor.append(time.process_time() - used)
    figures = [
        Figure(
            name=f"score {len(scored):,} transformer rows, intervals and drivers included",
            value=float(np.median(seconds)),
            unit="s",
            at_most=GOAL_SECONDS * count / 1_000_000,
        ),
        Figure(name="the same, processor seconds of both threads", value=float(np.median(processor)), unit="s"),
    ]
    forest = trained.model["SIM"].forest[1]
    nodes = sum(each.tree_.node_count for each in forest.estimators_)
    report("scoring", figures, seconds=seconds, processor_seconds=processor, trees=len(forest.estimators_), nodes=nodes)


if __name__ == "__main__":
    main()
