"""How power came back: outages restored in several steps, by switching before the repair.

What lives here: the steps of outages that had more than one. What does not: when an outage began and ended
(`outages`); the last step ends with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from flows.sources.simulator.timeline import Floats

# A quarter of the larger outages can be switched around in part; two to four steps are what switching plans hold.
STEPPED_SHARE = 0.25
MOST_STEPS = 4
_FEWEST_CUSTOMERS = 20
_SHORTEST_MINUTES = 20.0
_STEP_WEIGHTS = np.array([0.6, 0.3, 0.1])


def simulate_restoration_steps(generator: np.random.Generator, outages: pd.DataFrame) -> pd.DataFrame:
    """Draw the restoration steps of outages.

    Args:
        generator: Source of randomness.
        outages: True outage records; those still out have no steps.

    Returns:
        outage_id, started_at, step_number, restored_at, customers_restored_count. The customers of an outage's steps
        add up to those out, and its last step ends with it.
    """
    minutes = (outages["restored_at"] - outages["started_at"]).dt.total_seconds() / 60.0
    can_switch = (minutes >= _SHORTEST_MINUTES) & (outages["customers_out_count"] >= _FEWEST_CUSTOMERS)
    is_stepped = can_switch.to_numpy() & (generator.random(len(outages)) < STEPPED_SHARE)
    stepped = outages[is_stepped].reset_index(drop=True)
    step_count = generator.choice(np.arange(2, MOST_STEPS + 1), len(stepped), p=_STEP_WEIGHTS)
    row = np.repeat(np.arange(len(stepped)), step_count)
    number = np.arange(len(row)) - np.repeat(np.cumsum(step_count) - step_count, step_count) + 1
    is_last = number == step_count[row]
    share = np.where(is_last, 1.0, _growing(generator, row, number))
    seconds = (stepped["restored_at"] - stepped["started_at"]).dt.total_seconds().to_numpy()[row]
    restored = _growing(generator, row, number) * stepped["customers_out_count"].to_numpy()[row]
    restored = np.where(is_last, stepped["customers_out_count"].to_numpy()[row], np.floor(restored)).astype(np.int64)
    before = np.where(number == 1, 0, np.concatenate([[0], restored[:-1]]) if len(restored) else restored)
    return pd.DataFrame(
        {
            "outage_id": stepped["outage_id"].to_numpy()[row],
            "started_at": stepped["started_at"].to_numpy()[row],
            "step_number": number,
            "restored_at": stepped["started_at"].to_numpy()[row] + (seconds * share).astype("timedelta64[s]"),
            "customers_restored_count": restored - before,
        }
    )


def _growing(generator: np.random.Generator, row: np.ndarray, number: np.ndarray) -> Floats:
    """Return shares that grow from step to step of one outage, each below 1."""
    within = (number - 1 + generator.uniform(0.2, 0.9, len(row))) / MOST_STEPS
    return np.asarray(within)
