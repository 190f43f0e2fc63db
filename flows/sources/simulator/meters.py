"""A pilot of customer meters and a historian's export of single points.

What lives here: hourly energy of some meters, and values of one point per protocol with the protocol's own
quality. What does not: feeder load (`load`), transformer telemetry (`telemetry`).
Decision: all meters of a year would be a hundred million rows; forty meters over four weeks show every case.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from flows.sources.simulator.timeline import Timeline

PILOT_METERS = 40
PILOT_DAYS = 28
POINT_DAYS = 14
_ESTIMATED_SHARE = 0.01
# Point, unit, mean and quality of a sound value, by protocol.
_POINTS = {
    "DNP3": ("SUB01.XF1.TOPOIL", "degC", 55.0, "01"),
    "IEC104": ("SUB01.BUS1.KV", "kV", 13.8, "00"),
    "61850": ("SUB02.XF1.MW", "MW", 6.0, "good"),
    "OPCDA": ("SUB02.XF1.MVAR", "Mvar", 1.5, "192"),
    "OPCUA": ("SUB03.FDR1.A", "A", 210.0, "0x00000000"),
    "PI": ("SUB-03/T1/TOT", "degC", 50.0, None),
}


def simulate_meter_intervals(
    generator: np.random.Generator, timeline: Timeline, customers: pd.DataFrame
) -> pd.DataFrame:
    """Draw hourly energy of the pilot's meters in Wh, one row per meter and hour.

    Args:
        generator: Source of randomness.
        timeline: The last four weeks of it are delivered.
        customers: The meters bear their ids.
    """
    hours = timeline.delivered_hours[-PILOT_DAYS * 24 :]
    chosen = np.sort(generator.choice(len(customers), min(PILOT_METERS, len(customers)), replace=False))
    local_hour = timeline.local(hours).hour.to_numpy()
    shape = 0.6 + 0.4 * np.sin((local_hour - 9) / 24.0 * 2.0 * np.pi)
    level = generator.lognormal(np.log(900.0), 0.5, len(chosen))
    energy = level[None, :] * shape[:, None] * generator.lognormal(0.0, 0.3, (len(hours), len(chosen)))
    estimated = generator.random(energy.size) < _ESTIMATED_SHARE
    return pd.DataFrame(
        {
            "meter_id": np.tile(customers["customer_id"].to_numpy()[chosen], len(hours)),
            "interval_start_at": np.repeat(hours, len(chosen)).astype("datetime64[s]"),
            "duration_seconds": 3600,
            "reading_value": energy.ravel().round(0),
            "unit_code": "Wh",
            "power_of_ten": 0,
            "reading_flags": np.array([None, "estimated"], dtype=object)[estimated.astype(int)],
        }
    )


def simulate_points(generator: np.random.Generator, timeline: Timeline) -> pd.DataFrame:
    """Draw hourly values of one point per protocol, all of good quality."""
    hours = timeline.delivered_hours[-POINT_DAYS * 24 :]
    parts = []
    for protocol, (tag_id, unit, mean, quality) in _POINTS.items():
        values = mean * (1.0 + 0.05 * generator.standard_normal(len(hours)))
        parts.append(
            pd.DataFrame(
                {
                    "tag_id": tag_id,
                    "measured_at": hours.astype("datetime64[s]"),
                    "stamp_type": "source" if protocol in ("DNP3", "IEC104", "61850") else "server",
                    "value_text": [f"{value:.3f}" for value in values],
                    "unit_code": unit,
                    "quality_code": quality,
                    "protocol": protocol,
                    "rtu_id": "RTU" + tag_id[4:6].strip("-"),
                    "scan_class": "60min",
                }
            )
        )
    return pd.concat(parts, ignore_index=True)
