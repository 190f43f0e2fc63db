"""Defects of delivered data: what to inject, how much, and the list of what was injected.

What lives here: rates, the log of defects and the order of injection. What does not: defects of telemetry
arrays (`dirt_telemetry`), of records (`dirt_records`) and of whole files (`dirt_files`).
Rates are those measured on real files (EIA-930, METAR, ETT, PG&E; see `DefectRates`) at dirt 0.3 and scale
with it. Dirt 0 touches nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable

    from flows.sources.simulator.timeline import Booleans, Integers

REFERENCE_DIRT = 0.3


@dataclass(frozen=True)
class DefectRates:
    """Shares of rows, cells or entities at the reference dirt.

    Args:
        gap: Hours missing, in bursts; EIA-930 misses 1.79 %, median run 8 h.
        weather_gap: Station hours missing; METAR 0.63 %.
        stuck: Hours of stuck values; EIA-930 IDENTICAL_RUN 0.17 %.
        spike: One-hour spikes; EIA-930 0.066 %.
        zero: Zero or negative readings; EIA-930 0.046 %.
        absurd: Impossible values; one METAR wind of 1,048 mph in 26,115.
        unit_slip: Entities that report in the wrong unit for some days.
        bad_quality: Hours flagged bad by the historian.
        undefined_quality: Codes no standard knows.
        duplicate: Rows delivered twice in one file.
        late: Hours that arrive hours or days late.
        resent_day: Entity-days sent again, late and slightly revised.
        clock_shift: Entities whose clock is minutes off for some days.
        clock_reset: Rows stamped 1970 after a restart.
        reused_id: Outage numbers used again; PG&E 2.9 %.
        clock_skew: Outages reported before they started; PG&E 0.57 %.
        orphan: Rows that point at nothing.
        missing_id: Rows that point nowhere.
    """

    gap: float = 0.0179
    weather_gap: float = 0.0063
    stuck: float = 0.0017
    spike: float = 0.00066
    zero: float = 0.00046
    absurd: float = 0.00001
    unit_slip: float = 0.015
    bad_quality: float = 0.015
    undefined_quality: float = 0.0001
    duplicate: float = 0.0005
    late: float = 0.003
    resent_day: float = 0.0006
    clock_shift: float = 0.01
    clock_reset: float = 0.00001
    reused_id: float = 0.029
    clock_skew: float = 0.0057
    orphan: float = 0.02
    missing_id: float = 0.015

    def scaled(self, dirt: float) -> DefectRates:
        """Return the rates at another dirt."""
        factor = dirt / REFERENCE_DIRT
        return DefectRates(**{item.name: getattr(self, item.name) * factor for item in fields(self)})


@dataclass
class DefectLog:
    """Every injected defect, for comparison with what the pipeline finds."""

    parts: list[pd.DataFrame] = field(default_factory=list)

    def record(self, raw_table: str, defect_class: str, entity: Iterable[object] | np.ndarray, time: object) -> None:
        """Note defects of one class.

        Args:
            raw_table: Raw table whose rows are defective.
            defect_class: Readable class.
            entity: Series, asset, station, record or file of each defect.
            time: Time each row is really about, UTC; NaT when it has none.
        """
        names = np.asarray(list(entity), dtype=object)
        times = np.broadcast_to(np.asarray(time, dtype="datetime64[s]"), names.shape)
        if len(names):
            self.parts.append(
                pd.DataFrame({"raw_table": raw_table, "entity": names, "time": times, "defect_class": defect_class})
            )

    def counts(self) -> dict[str, int]:
        """Return defects by class, most frequent first."""
        counted = self.frame()["defect_class"].value_counts()
        return {str(name): int(count) for name, count in counted.items()}

    def frame(self) -> pd.DataFrame:
        """Return all defects: raw_table, entity, time, defect_class."""
        if not self.parts:
            empty = np.array([], dtype=object)
            times = np.array([], dtype="datetime64[s]")
            return pd.DataFrame({"raw_table": empty, "entity": empty, "time": times, "defect_class": empty})
        return pd.concat(self.parts, ignore_index=True)


@dataclass(frozen=True)
class Bursts:
    """Runs of hours in a grid of rows and hours.

    Args:
        row: Row of each run.
        first: Its first hour.
        length: Its hours; it may run past the end of the grid.
        hour_count: Hours of the grid.
    """

    row: Integers
    first: Integers
    length: Integers
    hour_count: int

    def cells(self) -> tuple[Integers, Integers, Integers]:
        """Return row, hour and burst number of every hour in a run; an hour in two runs comes twice."""
        burst = np.repeat(np.arange(len(self.row)), self.length)
        ends = np.cumsum(self.length)
        within = np.arange(int(ends[-1]) if len(ends) else 0) - np.repeat(ends - self.length, self.length)
        hour = self.first[burst] + within
        inside = hour < self.hour_count
        return self.row[burst][inside], hour[inside], burst[inside]

    def mask(self, rows: int) -> Booleans:
        """Return the grid with True inside runs."""
        covered = np.zeros((rows, self.hour_count), dtype=bool)
        row, hour, _ = self.cells()
        covered[row, hour] = True
        return covered

    def held(self) -> Booleans:
        """Return, for `cells`, True where a run holds an earlier value: its first hour is a reading like any other."""
        _, hour, burst = self.cells()
        return np.asarray(hour > self.first[burst])


def draw_bursts(
    generator: np.random.Generator,
    shape: tuple[int, int],
    *,
    share: float,
    median_hours: float,
    spread: float,
    shortest: int = 1,
) -> Bursts:
    """Draw runs that cover a share of a grid.

    Args:
        generator: Source of randomness.
        shape: Rows and hours.
        share: Share of hours to cover.
        median_hours: Median length.
        spread: Standard deviation of its logarithm; gaps have a heavy tail.
        shortest: Shortest run.
    """
    mean = median_hours * np.exp(spread**2 / 2.0)
    count = draw_count(generator, shape[0] * shape[1] * share / mean, at_least=1)
    length = np.exp(generator.normal(np.log(median_hours), spread, count))
    return Bursts(
        row=generator.integers(0, shape[0], count),
        first=generator.integers(0, shape[1], count),
        length=np.clip(length.astype(np.int64), shortest, shape[1]),
        hour_count=shape[1],
    )


def draw_count(generator: np.random.Generator, expected: float, *, at_least: int = 0) -> int:
    """Draw how many defects of a class to inject."""
    return max(int(generator.poisson(expected)), at_least)
