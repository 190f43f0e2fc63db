"""Condition of the transformer fleet: wear, incipient faults, failures and replacements, week by week.

What lives here: the latent state that sensors only hint at, and the true hazard. What does not: sensors
(`telemetry`), work orders (`work_orders`).
Decision: an incipient fault is a cause, not a countdown. Faults start at random, more often in worn units,
grow over weeks, raise gases and vibration, and raise the hazard; the failure itself is then drawn from the
hazard. So gases rise in the weeks before most failures, some faults never end in failure, and the hazard
published in the truth is the best any model can do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from flows.sources.simulator.timeline import HOURS_PER_WEEK, Timeline

if TYPE_CHECKING:
    from flows.sources.simulator.network import Network
    from flows.sources.simulator.timeline import Booleans, Floats, Integers, Times

BURN_IN_WEEKS = 26
NO_FAILURE = -1
# Tuned so that 20-25 % of an aged fleet fail in a year; a real fleet loses 0.5-2 %, far too few to learn from.
_BASE_LOGIT = -7.3
_WEAR_LOGIT, _SEVERITY_LOGIT = 0.55, 2.1
_ONSET_PER_WEEK, _ONSET_WEAR_FACTOR = 0.0028, 0.75
_FIRST_SEVERITY, _LARGEST_SEVERITY = 0.3, 4.0
_GROWTH_MEAN, _GROWTH_SPREAD = 0.34, 0.12
_NEW_UNIT_WEAR = -1.6
_WORST_MANUFACTURER_WEAR = 0.55


@dataclass(frozen=True)
class Fleet:
    """The fleet over the delivered weeks; arrays have shape (positions, weeks).

    Args:
        register: All assets that ever served, original and replacement; retired_on is NaT while in service.
        week_starts: Monday 00:00 UTC of each week, shape (weeks,).
        occupant: Row of `register` that is in the position at the week's start.
        wear: Latent wear at the week's start.
        wear_end: The same at its end, before any replacement.
        severity: Severity of an incipient fault at the week's start, 0 when there is none.
        severity_end: The same at its end.
        is_thermal_fault: Kind of fault a unit would have: overheating (ethylene) or discharges (acetylene).
        hazard_7d: Probability of failure within the week.
        hazard_28d: Probability of failure within four weeks, severity growing as expected.
        failed_hour: Delivered hour of the failure in that week, or `NO_FAILURE`.
        in_service_from_hour: Delivered hour from which the occupant reports; 0 unless it was installed that week.
    """

    register: pd.DataFrame
    week_starts: Times
    occupant: Integers
    wear: Floats
    wear_end: Floats
    severity: Floats
    severity_end: Floats
    is_thermal_fault: Booleans
    hazard_7d: Floats
    hazard_28d: Floats
    failed_hour: Integers
    in_service_from_hour: Integers

    @property
    def asset_ids(self) -> np.ndarray:
        """Asset ids by row number of `register`; empty for replacements that come after the end of data."""
        ids = np.full(int(self.occupant.max()) + 1, "", dtype=object)
        known = self.register.index.to_numpy()
        is_occupant = known < len(ids)
        ids[known[is_occupant]] = self.register["asset_id"].to_numpy()[is_occupant]
        return ids


def weekly_hazard(wear: Floats, severity: Floats) -> Floats:
    """Return the probability of failing within a week."""
    logit = _BASE_LOGIT + _WEAR_LOGIT * wear + _SEVERITY_LOGIT * severity
    return np.asarray(1.0 / (1.0 + np.exp(-logit)))


def hazard_within_four_weeks(wear: Floats, severity: Floats) -> Floats:
    """Return the probability of failing within four weeks when a fault grows as faults do on average."""
    survival = np.ones_like(wear)
    for week in range(4):
        grown = np.minimum(severity * np.exp(_GROWTH_MEAN * week), _LARGEST_SEVERITY)
        survival = survival * (1.0 - weekly_hazard(wear, grown))
    return 1.0 - survival


def simulate_fleet(
    generator: np.random.Generator, timeline: Timeline, network: Network, ageing_factor: Floats
) -> Fleet:
    """Run wear, faults, failures and replacements over the delivered weeks.

    Args:
        generator: Source of randomness.
        timeline: The simulated hours.
        network: Positions as first occupied.
        ageing_factor: F_AA, shape (positions, delivered hours).
    """
    run = _FleetRun(generator, timeline, network, ageing_factor)
    for _ in range(BURN_IN_WEEKS):
        run.burn_in_week()
    weeks = [run.week(index) for index in range(len(run.week_starts))]
    stacked = {key: np.stack([week[key] for week in weeks], axis=1) for key in weeks[0]}
    return Fleet(register=run.register(), week_starts=run.week_starts, **stacked)


class _FleetRun:
    """State of the fleet while the weeks go by."""

    def __init__(
        self,
        generator: np.random.Generator,
        timeline: Timeline,
        network: Network,
        ageing_factor: Floats,
    ) -> None:
        self.generator = generator
        self.timeline = timeline
        self.positions = network.positions
        self.count = len(network.positions)
        days_after_monday = (timeline.start_at.astype("datetime64[D]").astype(int) + 3) % 7
        first_monday = timeline.start_at - np.timedelta64(int(days_after_monday) * 24, "h")
        self.first_week_offset_hours = int(days_after_monday) * 24
        week_count = -(-(timeline.hour_count + self.first_week_offset_hours) // HOURS_PER_WEEK)
        self.week_starts = first_monday + np.arange(week_count) * np.timedelta64(HOURS_PER_WEEK, "h")
        self.weekly_ageing = self._weekly_mean(ageing_factor, week_count)
        age_years = (timeline.start_at - self.positions["installed_on"].to_numpy().astype("datetime64[h]")).astype(
            float
        ) / 8_766.0
        is_worst = (self.positions["manufacturer"] == "Tessaract").to_numpy()
        self.wear = 0.042 * (age_years - 32.0) + generator.normal(0, 0.6, self.count)
        self.wear = self.wear + is_worst * _WORST_MANUFACTURER_WEAR
        self.severity = np.zeros(self.count)
        self.growth = self._draw_growth(self.count)
        self.is_thermal = generator.random(self.count) < 0.55  # noqa: PLR2004 - share of thermal faults
        self.occupant = np.arange(self.count)
        self.next_asset = self.count
        self.pending_from = np.zeros(self.count, dtype=np.int64)
        self.retired: dict[int, int] = {}
        self.replacements: list[tuple[int, int, int]] = []

    def _weekly_mean(self, ageing_factor: Floats, week_count: int) -> Floats:
        """Average F_AA by week; the edges of a part week count as it is."""
        padded = np.full((self.count, week_count * HOURS_PER_WEEK), np.nan)
        first = self.first_week_offset_hours
        padded[:, first : first + ageing_factor.shape[1]] = ageing_factor
        means = np.nanmean(padded.reshape(self.count, week_count, HOURS_PER_WEEK), axis=2)
        return np.asarray(means)

    def _draw_growth(self, count: int) -> Floats:
        return np.maximum(self.generator.normal(_GROWTH_MEAN, _GROWTH_SPREAD, count), 0.05)

    def _advance(self, ageing: Floats) -> None:
        """Move wear and severity on by one week."""
        onset_rate = _ONSET_PER_WEEK * np.exp(_ONSET_WEAR_FACTOR * np.clip(self.wear, -3, 3))
        is_healthy = self.severity == 0.0
        starts = is_healthy & (self.generator.random(self.count) < 1.0 - np.exp(-onset_rate))
        grown = self.severity * np.exp(self.growth * self.generator.uniform(0.6, 1.4, self.count))
        self.severity = np.minimum(np.where(starts, _FIRST_SEVERITY, grown), _LARGEST_SEVERITY)
        self.wear = self.wear + 0.0008 + 0.006 * np.log1p(ageing)
        self.wear = self.wear + 0.03 * self.generator.standard_normal(self.count)

    def burn_in_week(self) -> None:
        """Let faults come and go before the delivered span: a unit that would fail is mended."""
        self._advance(self.weekly_ageing[:, 0])
        fails = self.generator.random(self.count) < weekly_hazard(self.wear, self.severity)
        self.severity[fails] = 0.0

    def week(self, index: int) -> dict[str, np.ndarray]:
        """Live through one delivered week and return its arrays."""
        wear, severity, occupant = self.wear.copy(), self.severity.copy(), self.occupant.copy()
        thermal, from_hour = self.is_thermal.copy(), self.pending_from.copy()
        hazard = weekly_hazard(wear, severity)
        is_settled = from_hour == 0
        hour_in_week = self.generator.integers(0, HOURS_PER_WEEK, self.count)
        failed_hour = index * HOURS_PER_WEEK - self.first_week_offset_hours + hour_in_week
        fails = is_settled & (self.generator.random(self.count) < hazard)
        fails &= (failed_hour > 0) & (failed_hour < self.timeline.hour_count)
        self._advance(self.weekly_ageing[:, index])
        wear_end, severity_end = self.wear.copy(), self.severity.copy()
        self.pending_from = np.zeros(self.count, dtype=np.int64)
        self._replace(np.flatnonzero(fails), failed_hour, index)
        return {
            "occupant": occupant,
            "wear": wear,
            "wear_end": wear_end,
            "severity": severity,
            "severity_end": severity_end,
            "is_thermal_fault": thermal,
            "hazard_7d": hazard,
            "hazard_28d": hazard_within_four_weeks(wear, severity),
            "failed_hour": np.where(fails, failed_hour, NO_FAILURE),
            "in_service_from_hour": from_hour,
        }

    def _replace(self, failed: Integers, failed_hour: Integers, index: int) -> None:
        """Retire failed units and put like for like in their place during the next week."""
        count = len(failed)
        next_week = (index + 1) * HOURS_PER_WEEK - self.first_week_offset_hours
        installed = next_week + self.generator.integers(10, 130, count)
        new_assets = self.next_asset + np.arange(count)
        for position, hour, asset in zip(failed, installed, new_assets, strict=True):
            self.retired[int(self.occupant[position])] = int(failed_hour[position])
            self.replacements.append((int(position), int(hour), int(asset)))
        self.next_asset += count
        self.occupant[failed] = new_assets
        self.pending_from[failed] = installed
        self.wear[failed] = _NEW_UNIT_WEAR + self.generator.normal(0, 0.3, count)
        self.severity[failed] = 0.0
        self.growth[failed] = self._draw_growth(count)
        self.is_thermal[failed] = self.generator.random(count) < 0.55  # noqa: PLR2004 - share of thermal faults

    def register(self) -> pd.DataFrame:
        """Return all assets in order of their row number, replacements appended."""
        start_at = self.timeline.start_at
        delivered = [item for item in self.replacements if item[1] < self.timeline.hour_count]
        rows = self.positions.iloc[[position for position, _, _ in delivered]].copy()
        hours = np.array([hour for _, hour, _ in delivered], dtype=np.int64)
        installed_at = start_at + hours.astype("timedelta64[h]")
        rows["installed_on"] = installed_at.astype("datetime64[D]").astype("datetime64[s]")
        rows["asset_id"] = [f"T{asset + 1:05d}" for _, _, asset in delivered]
        rows["asset_index"] = np.array([asset for _, _, asset in delivered], dtype=np.int64)
        rows["manufacturer"] = self.generator.choice(["Norvolt", "Helion", "Ostwald"], len(rows))
        original = self.positions.assign(asset_index=np.arange(self.count))
        register = pd.concat([original, rows], ignore_index=True) if delivered else original
        moved = np.array([position for position, _, _ in delivered], dtype=np.int64)
        position = np.concatenate([np.arange(self.count), moved])
        retired_hour = register["asset_index"].map(self.retired)
        retired_at = pd.Series(pd.NaT, index=register.index, dtype="datetime64[s]")
        is_retired = retired_hour.notna()
        offsets = retired_hour[is_retired].to_numpy().astype("timedelta64[h]")
        retired_at[is_retired] = (start_at + offsets).astype("datetime64[s]")
        return register.assign(position=position, retired_at=retired_at).set_index("asset_index", drop=False)
