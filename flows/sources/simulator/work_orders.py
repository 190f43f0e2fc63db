"""Maintenance of the fleet: preventive, inspection, corrective and emergency work orders.

What lives here: orders of the five years before the delivered span and during it. What does not: failures
themselves (`condition`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from flows.sources.simulator.condition import NO_FAILURE, Fleet
from flows.sources.simulator.timeline import HOURS_PER_WEEK, HOURS_PER_YEAR, Timeline

if TYPE_CHECKING:
    from flows.sources.simulator.timeline import Floats, Integers

HISTORY_YEARS = 5
_CORRECTIVE_PROBLEMS = np.array(["OIL_LEAK", "COOLING", "BUSHING", "TAP_CHANGER", "HIGH_GAS", "VIBRATION"])
_PREVENTIVE_EVERY_HOURS, _INSPECTION_EVERY_HOURS = 1.5 * HOURS_PER_YEAR, 0.5 * HOURS_PER_YEAR


def simulate_work_orders(generator: np.random.Generator, timeline: Timeline, fleet: Fleet) -> pd.DataFrame:
    """Draw all work orders.

    Returns:
        One row per order: asset_id, work_type, problem_code, opened_at, completed_at (NaT while open), cost_usd;
        ordered by opened_at.
    """
    parts = [
        _periodic(generator, timeline, fleet, "PM", _PREVENTIVE_EVERY_HOURS, 6_000.0),
        _periodic(generator, timeline, fleet, "INSP", _INSPECTION_EVERY_HOURS, 600.0),
        _corrective(generator, timeline, fleet),
        _emergency(generator, timeline, fleet),
    ]
    orders = pd.concat([part for part in parts if len(part)], ignore_index=True)
    register = fleet.register.set_index("asset_id")
    start = timeline.start_at.astype("datetime64[s]")
    orders["opened_at"] = start + (orders.pop("opened_hour").to_numpy() * 3600).astype("timedelta64[s]")
    took = (orders.pop("took_hours").to_numpy() * 3600).astype("timedelta64[s]")
    orders["completed_at"] = orders["opened_at"] + took
    end = timeline.end_at.astype("datetime64[s]")
    orders.loc[orders["completed_at"] >= end, "completed_at"] = pd.NaT
    serves_from = register["installed_on"].reindex(orders["asset_id"]).to_numpy()
    serves_until = register["retired_at"].reindex(orders["asset_id"]).to_numpy()
    opened = orders["opened_at"].to_numpy()
    is_served = (opened >= serves_from) & ~(opened > serves_until) & (opened < end)
    served: pd.DataFrame = orders[is_served]
    served = served.sort_values(["opened_at", "asset_id"], kind="stable", ignore_index=True)
    served.insert(0, "work_order_id", [f"WO{number:07d}" for number in range(1, len(served) + 1)])
    return served


def _orders(
    generator: np.random.Generator,
    fleet: Fleet,
    *,
    asset_index: Integers,
    opened_hour: Floats,
    work_type: str,
    problem_code: object,
    typical_cost_usd: float,
    took_hours: float,
) -> pd.DataFrame:
    """Build orders of one type."""
    count = len(asset_index)
    return pd.DataFrame(
        {
            "asset_id": fleet.register["asset_id"].reindex(asset_index).to_numpy(),
            "work_type": work_type,
            "problem_code": problem_code,
            "cost_usd": (typical_cost_usd * generator.lognormal(0, 0.5, count)).round(2),
            "opened_hour": opened_hour,
            "took_hours": took_hours * generator.lognormal(0, 0.6, count),
        }
    )


def _periodic(
    generator: np.random.Generator,
    timeline: Timeline,
    fleet: Fleet,
    work_type: str,
    every_hours: float,
    typical_cost_usd: float,
) -> pd.DataFrame:
    """Draw orders that come round at a fixed interval, give or take a month."""
    first = -HISTORY_YEARS * HOURS_PER_YEAR
    rounds = int((timeline.hour_count - first) / every_hours) + 1
    assets = np.repeat(fleet.register.index.to_numpy(), rounds)
    phase = np.repeat(generator.uniform(0, every_hours, len(fleet.register)), rounds)
    opened = first + phase + np.tile(np.arange(rounds), len(fleet.register)) * every_hours
    opened = opened + generator.normal(0, 360.0, len(opened))
    return _orders(
        generator, fleet, asset_index=assets, opened_hour=opened, work_type=work_type,
        problem_code="ROUTINE", typical_cost_usd=typical_cost_usd, took_hours=20.0,
    )  # fmt: skip


def _corrective(generator: np.random.Generator, timeline: Timeline, fleet: Fleet) -> pd.DataFrame:
    """Draw repairs: rarer before, and during the span more often in worn or faulty units."""
    weeks_before = int(HISTORY_YEARS * 52)
    rate_before = 0.005 * np.exp(0.4 * np.clip(fleet.wear[:, 0], -2.0, 2.5))
    before = generator.random((len(rate_before), weeks_before)) < rate_before[:, None]
    position, week = np.nonzero(before)
    opened_before = (week - weeks_before) * HOURS_PER_WEEK + generator.uniform(0, 168, len(week))
    rate = 0.005 * np.exp(0.4 * np.clip(fleet.wear, -2.0, 2.5) + 0.7 * fleet.severity)
    during = generator.random(rate.shape) < np.minimum(rate, 0.4)
    position_now, week_now = np.nonzero(during)
    offset = int((timeline.start_at - fleet.week_starts[0]).astype(int))
    opened_now = week_now * HOURS_PER_WEEK - offset + generator.uniform(0, 168, len(week_now))
    assets = np.concatenate([fleet.occupant[position, 0], fleet.occupant[position_now, week_now]])
    problems = generator.choice(_CORRECTIVE_PROBLEMS, len(assets))
    return _orders(
        generator, fleet, asset_index=assets, opened_hour=np.concatenate([opened_before, opened_now]),
        work_type="CM", problem_code=problems, typical_cost_usd=9_000.0, took_hours=72.0,
    )  # fmt: skip


def _emergency(generator: np.random.Generator, timeline: Timeline, fleet: Fleet) -> pd.DataFrame:
    """One order per failure, opened within minutes."""
    position, week = np.nonzero(fleet.failed_hour != NO_FAILURE)
    hours = fleet.failed_hour[position, week]
    is_delivered = hours < timeline.hour_count
    assets = fleet.occupant[position, week][is_delivered]
    delay = generator.uniform(0.1, 0.9, len(assets))
    orders = _orders(
        generator, fleet, asset_index=assets, opened_hour=hours[is_delivered] + delay,
        work_type="EM", problem_code="FAILED", typical_cost_usd=650_000.0, took_hours=150.0,
    )  # fmt: skip
    # The register retires a unit at the failure; its emergency order must not fall behind that.
    return orders.assign(opened_hour=hours[is_delivered].astype(float))
