"""Energy prices of the simulated zone.

What lives here: day-ahead and real-time prices. What does not: load's response to them (`load`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flows.sources.simulator.timeline import autoregressive

if TYPE_CHECKING:
    from flows.sources.simulator.timeline import Floats


@dataclass(frozen=True)
class MarketPrices:
    """Hourly prices, shape (hours of the timeline,), USD/MWh.

    Args:
        day_ahead_usd_per_mwh: Cleared the day before.
        real_time_usd_per_mwh: Known after the hour.
    """

    day_ahead_usd_per_mwh: Floats
    real_time_usd_per_mwh: Floats


def simulate_prices(generator: np.random.Generator, base_system_load_mw: Floats) -> MarketPrices:
    """Draw prices that follow the load steeply near its peak.

    Args:
        generator: Source of randomness.
        base_system_load_mw: System load before price response, MW.
    """
    count = len(base_system_load_mw)
    tightness = base_system_load_mw / np.quantile(base_system_load_mw, 0.99)
    fuel = np.exp(0.18 * autoregressive(generator, (count,), persistence=0.998))
    curve = 14.0 + 22.0 * tightness + 34.0 * np.maximum(tightness, 0.0) ** 5
    day_ahead = fuel * curve * np.exp(0.05 * autoregressive(generator, (count,), persistence=0.85))
    surprise = 0.16 * autoregressive(generator, (count,), persistence=0.75)
    is_spike = generator.random(count) < 0.003 * np.clip(tightness, 0.3, 1.2) ** 3 * 3.0
    real_time = day_ahead * np.exp(surprise) + is_spike * generator.gamma(2.0, 90.0, count)
    is_surplus = (tightness < 0.42) & (generator.random(count) < 0.03)  # noqa: PLR2004 - light load
    real_time = np.where(is_surplus, -generator.gamma(1.5, 8.0, count), real_time)
    return MarketPrices(day_ahead_usd_per_mwh=day_ahead, real_time_usd_per_mwh=real_time)
