"""What the sensors on the transformers report, hourly.

What lives here: load, oil temperature, vibration and dissolved gases as functions of the latent condition.
What does not: the condition (`condition`), gaps and bad values (`dirt`).
Decision: arrays stay (positions, hours) until a month is written; 2.6 million rows as one frame would cost a
sort.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flows.sources.simulator.condition import NO_FAILURE, Fleet
from flows.sources.simulator.timeline import HOURS_PER_WEEK, Timeline, autoregressive

if TYPE_CHECKING:
    import pandas as pd

    from flows.sources.simulator.thermal import ThermalState
    from flows.sources.simulator.timeline import Booleans, Floats, Integers

QUANTITIES = (
    "MVA",
    "TOP_OIL_C",
    "VIB_MM_S",
    "H2_PPM",
    "CH4_PPM",
    "C2H6_PPM",
    "C2H4_PPM",
    "C2H2_PPM",
)
# ppm at mean wear, and exponents of wear, of a thermal fault's severity and of a discharge's severity. Shapes follow
# IEC 60599: overheating makes ethylene and methane, discharges make acetylene and hydrogen.
_GASES: dict[str, tuple[float, float, float, float]] = {
    "H2_PPM": (45.0, 0.22, 0.40, 0.75),
    "CH4_PPM": (28.0, 0.20, 0.60, 0.30),
    "C2H6_PPM": (24.0, 0.20, 0.35, 0.15),
    "C2H4_PPM": (18.0, 0.24, 0.70, 0.45),
    "C2H2_PPM": (0.4, 0.10, 0.25, 1.10),
}


@dataclass
class Telemetry:
    """Hourly readings; arrays of shape (positions, delivered hours).

    Args:
        readings: Quantity to its readings, in its unit.
        occupant: Row of the register that reports.
        is_reported: False where nobody reports: between a failure and the replacement.
        quality_code: DNP3 analog flags as a number; 1 is good.
        clock_shift_seconds: How far the reading's stamp is off.
        delay_seconds: From the true time of the reading to its arrival.
        extra: Rows delivered besides: position, hour, late_seconds, factor (of the values), asset_id (empty: the
            occupant's).
    """

    readings: dict[str, Floats]
    occupant: Integers
    is_reported: Booleans
    quality_code: Integers
    clock_shift_seconds: Integers
    delay_seconds: Integers
    extra: pd.DataFrame | None = None


def simulate_telemetry(
    generator: np.random.Generator,
    timeline: Timeline,
    positions: pd.DataFrame,
    thermal: ThermalState,
    fleet: Fleet,
) -> Telemetry:
    """Draw all readings of the delivered span."""
    week, fraction = _week_of_hours(timeline, fleet)
    wear = _between(fleet.wear, fleet.wear_end, week, fraction)
    severity = _between(fleet.severity, fleet.severity_end, week, fraction)
    is_thermal = fleet.is_thermal_fault[:, week]
    shape = wear.shape
    own_level = generator.normal(0, 0.22, (shape[0], 1))  # units differ by construction
    by_load = 0.25 * (thermal.load_share - 0.6)
    by_fault = np.where(is_thermal, 0.08, 0.22) * severity
    vibration = 0.10 * wear + by_fault + by_load + 0.5 * own_level + 0.07 * generator.standard_normal(shape)
    excess_k = 1.1 * np.maximum(wear, 0.0) + np.where(is_thermal, 2.2, 0.6) * severity
    readings: dict[str, Floats] = {
        "MVA": thermal.load_share * positions["rated_mva"].to_numpy()[:, None],
        "TOP_OIL_C": thermal.top_oil_degc + excess_k + 0.8 * generator.standard_normal(shape),
        "VIB_MM_S": 1.5 * np.exp(vibration),
    }
    for gas, (level_ppm, by_wear, by_thermal, by_discharge) in _GASES.items():
        drift = 0.12 * autoregressive(generator, (shape[0], len(fleet.week_starts)), persistence=0.9)
        noise = generator.standard_normal(shape, dtype=np.float32)
        by_severity = np.where(is_thermal, by_thermal, by_discharge) * severity
        exponent = own_level + drift[:, week] + by_wear * wear + by_severity + 0.04 * noise
        readings[gas] = level_ppm * np.exp(exponent)
    occupant, is_reported = _service(timeline, fleet, week)
    return Telemetry(
        readings=readings,
        occupant=occupant,
        is_reported=is_reported,
        quality_code=np.ones(shape, dtype=np.int64),
        clock_shift_seconds=np.zeros(shape, dtype=np.int64),
        delay_seconds=generator.integers(8, 90, shape),
    )


def _week_of_hours(timeline: Timeline, fleet: Fleet) -> tuple[Integers, Floats]:
    """Return each delivered hour's week and how much of it has passed."""
    since = (timeline.delivered_hours - fleet.week_starts[0]).astype(np.int64)
    return since // HOURS_PER_WEEK, (since % HOURS_PER_WEEK) / HOURS_PER_WEEK


def _between(at_start: Floats, at_end: Floats, week: Integers, fraction: Floats) -> Floats:
    """Interpolate a weekly state to hours, within the week only, so that a replacement starts afresh."""
    return np.asarray(at_start[:, week] + fraction * (at_end - at_start)[:, week])


def _service(timeline: Timeline, fleet: Fleet, week: Integers) -> tuple[Integers, Booleans]:
    """Return who reports each hour, and whether anybody does."""
    hour = np.arange(timeline.hour_count)
    failed_hour = fleet.failed_hour[:, week]
    is_dead = (failed_hour != NO_FAILURE) & (hour >= failed_hour)
    is_waiting = hour < fleet.in_service_from_hour[:, week]
    return fleet.occupant[:, week], ~(is_dead | is_waiting)


def telemetry_rows(
    telemetry: Telemetry,
    timeline: Timeline,
    asset_ids: np.ndarray,
    *,
    position: Integers,
    hour: Integers,
) -> dict[str, np.ndarray]:
    """Return the delivered columns of some readings.

    Args:
        telemetry: All readings.
        timeline: The simulated hours.
        asset_ids: Asset id by row of the register.
        position: Position of each reading.
        hour: Delivered hour of each reading.

    Returns:
        Historian column to values, in the historian's order.
    """
    times = timeline.delivered_hours[hour].astype("datetime64[s]")
    stamps = times + telemetry.clock_shift_seconds[position, hour].astype("timedelta64[s]")
    flags = np.array([f"{code:02X}" for code in range(256)], dtype=object)
    return {
        "ASSET": asset_ids[telemetry.occupant[position, hour]],
        "TS_UTC": stamps,
        **{name: telemetry.readings[name][position, hour].round(3) for name in QUANTITIES},
        "FLAGS": flags[telemetry.quality_code[position, hour]],
        "RECEIVED_UTC": times + telemetry.delay_seconds[position, hour].astype("timedelta64[s]"),
    }
