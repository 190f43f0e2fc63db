"""Line segments of the feeders and what grows along them.

What lives here: the network map below the feeder, and inspections of vegetation. What does not: how vegetation
makes outages (`outages`, by the feeder's index).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from flows.sources.simulator.timeline import Timeline

SEGMENT_KM = 3.0  # a segment between two switches or taps
TRIM_CYCLE_YEARS = (3.0, 4.0, 5.0)
_DAYS_BETWEEN_INSPECTIONS = 365
_CONDUCTORS = np.array(["336 ACSR", "4/0 ACSR", "1/0 AAAC"])
_SPECIES = np.array(["oak", "maple", "pine", "birch"])


def build_segments(generator: np.random.Generator, feeders: pd.DataFrame, switches: pd.DataFrame) -> pd.DataFrame:
    """Cut feeders into chains of segments.

    Args:
        generator: Source of randomness.
        feeders: With feeder_id, length_km, overhead_share and customers_count.
        switches: With feeder_id, switch_id and switch_type; the recloser protects its feeder.

    Returns:
        One row per segment; lengths of a feeder add up to its own.
    """
    count = np.ceil(feeders["length_km"].to_numpy() / SEGMENT_KM).astype(int)
    home = np.repeat(np.arange(len(feeders)), count)
    number = np.arange(len(home)) - np.repeat(np.cumsum(count) - count, count) + 1
    feeder_id = feeders["feeder_id"].to_numpy()[home]
    overhead = generator.random(len(home)) < feeders["overhead_share"].to_numpy()[home]
    reclosers = switches[switches["switch_type"] == "recloser"].set_index("feeder_id")["switch_id"]
    beyond = 1.0 - (number - 1) / count[home]
    return pd.DataFrame(
        {
            "segment_id": [f"{feeder}-{place:02d}" for feeder, place in zip(feeder_id, number, strict=True)],
            "feeder_id": feeder_id,
            "from_node_id": [f"{feeder}N{place:02d}" for feeder, place in zip(feeder_id, number - 1, strict=True)],
            "to_node_id": [f"{feeder}N{place:02d}" for feeder, place in zip(feeder_id, number, strict=True)],
            "length_m": (feeders["length_km"].to_numpy()[home] / count[home] * 1000.0).round(1),
            "placement_type": np.where(overhead, "overhead", "underground"),
            "conductor_type": generator.choice(_CONDUCTORS, len(home)),
            "phase_count": np.where(number == 1, 3, generator.choice([1, 3], len(home))),
            "protective_device_id": reclosers.reindex(feeder_id).to_numpy(),
            "customers_count": (feeders["customers_count"].to_numpy()[home] * beyond).astype(np.int64),
        }
    )


def inspect_vegetation(
    generator: np.random.Generator, timeline: Timeline, segments: pd.DataFrame, feeders: pd.DataFrame
) -> pd.DataFrame:
    """Inspect overhead segments once in each of the two years before the delivered span.

    Args:
        generator: Source of randomness.
        timeline: For the days.
        segments: As `build_segments` returns them.
        feeders: For the vegetation index that canopies follow.
    """
    overhead = segments[segments["placement_type"] == "overhead"]
    index = feeders.set_index("feeder_id")["vegetation_index"].reindex(overhead["feeder_id"]).to_numpy()
    cycle = generator.choice(TRIM_CYCLE_YEARS, len(overhead))
    first_day = timeline.start_at.astype("datetime64[D]")
    trimmed = first_day - (2 * _DAYS_BETWEEN_INSPECTIONS) - (generator.random(len(overhead)) * cycle * 365).astype(int)
    rounds = []
    for years_before in (2, 1):
        offset = generator.integers(1, _DAYS_BETWEEN_INSPECTIONS, len(overhead))
        growth = index * generator.uniform(0.8, 1.2, len(overhead))
        rounds.append(
            pd.DataFrame(
                {
                    "segment_id": overhead["segment_id"].to_numpy(),
                    "inspected_on": first_day - years_before * _DAYS_BETWEEN_INSPECTIONS + offset,
                    "ndvi": (0.2 + 0.6 * growth.clip(0.0, 1.0)).round(3),
                    "canopy_pct": (100.0 * growth.clip(0.0, 1.0)).round(1),
                    "last_trimmed_on": trimmed,
                    "trim_cycle_years": cycle,
                    "species_name": generator.choice(_SPECIES, len(overhead)),
                }
            )
        )
    return pd.concat(rounds, ignore_index=True)
