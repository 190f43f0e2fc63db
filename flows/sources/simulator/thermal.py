"""Loading and oil temperature of transformer positions, by IEEE C57.91.

What lives here: load share, healthy top-oil temperature, hot spot and ageing acceleration, hourly. What does
not: wear and faults (`condition`), what sensors report (`telemetry`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from flows.sources.simulator.timeline import Timeline, autoregressive, follow_slowly

if TYPE_CHECKING:
    from flows.sources.simulator.network import Network
    from flows.sources.simulator.timeline import Floats
    from flows.sources.simulator.weather import Weather

# IEEE C57.91-2011, clause 7.2, typical values of the loading guide's example unit.
LOSS_RATIO = 6.5  # load loss over no-load loss at rated load
OIL_EXPONENT = 0.8
WINDING_EXPONENT = 0.8
HOT_SPOT_RISE_K = 25.0
OIL_TIME_CONSTANT_HOURS = 3.0
_KELVIN = 273.0


@dataclass(frozen=True)
class ThermalState:
    """Hourly state of healthy units, arrays of shape (positions, delivered hours).

    Args:
        load_share: Load over rating.
        top_oil_degc: Top-oil temperature.
        ageing_factor: Ageing acceleration F_AA; 1 at a hot spot of 110 degC.
    """

    load_share: Floats
    top_oil_degc: Floats
    ageing_factor: Floats


def ultimate_top_oil_rise(load_share: Floats, rated_rise_k: Floats) -> Floats:
    """Return the top-oil rise that a constant load ends at, K.

    Source: IEEE C57.91-2011, eq. 15.
    """
    ratio = (load_share**2 * LOSS_RATIO + 1.0) / (LOSS_RATIO + 1.0)
    return np.asarray(rated_rise_k * ratio**OIL_EXPONENT)


def ageing_acceleration(hot_spot_degc: Floats) -> Floats:
    """Return how much faster insulation ages than at 110 degC.

    Source: IEEE C57.91-2011, eq. 2, for thermally upgraded paper.
    """
    return np.asarray(np.exp(15000.0 / 383.0 - 15000.0 / (hot_spot_degc + _KELVIN)))


def simulate_thermal(
    generator: np.random.Generator,
    timeline: Timeline,
    network: Network,
    weather: Weather,
    feeder_load_mw: Floats,
) -> ThermalState:
    """Run the thermal model for all positions over the delivered span."""
    positions, feeders = network.positions, network.feeders
    span = timeline.delivered
    feeder_share = feeder_load_mw[:, span] / feeders["rated_mw"].to_numpy()[:, None]
    count = len(positions)
    burden = np.exp(generator.normal(0.08, 0.22, (count, 1)))  # some units are always loaded harder
    noise = np.exp(0.05 * autoregressive(generator, (count, timeline.hour_count), persistence=0.9))
    share = feeder_share[positions["feeder_index"].to_numpy()] * burden * noise
    ambient = weather.temperature_degc[positions["station_index"].to_numpy(), span]
    rise = ultimate_top_oil_rise(share, positions["rated_top_oil_rise_k"].to_numpy()[:, None])
    lag = float(np.exp(-1.0 / OIL_TIME_CONSTANT_HOURS))
    top_oil = ambient + follow_slowly(rise, persistence=lag)
    hot_spot = top_oil + HOT_SPOT_RISE_K * share ** (2 * WINDING_EXPONENT)
    return ThermalState(load_share=share, top_oil_degc=top_oil, ageing_factor=ageing_acceleration(hot_spot))
