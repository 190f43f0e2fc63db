"""The simulated network: stations, substations, feeders, switches, customers and transformer positions.

What lives here: what stands in the field. What does not: how it behaves (`load`, `condition`, `outages`).
Decision: transformers are loaded by the *share* their feeder is loaded, whatever their rating. A network of
twelve feeders would not hold 300 power transformers; the fleet is large so that failures can be learnt from
one year.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

NETWORK_ID = "SIM"
ZONE_ID = "SIM"
CUSTOMERS_PER_MW = 60.0  # of feeder rating: about 8,000 to 12,000 customers on twelve feeders
CRITICAL_SHARE = 0.008
_CENTRE_LATITUDE, _CENTRE_LONGITUDE = 42.65, -73.75
_STATION_NAMES = ("KALB", "KSCH", "KPSF", "KGFL")
_SUBSTATION_NAMES = ("Riverside", "Hilltop", "Mill Pond", "Quarry", "Airport")
_RATINGS_MVA = np.array([5.0, 7.5, 10.0, 12.5, 16.0, 20.0, 25.0, 31.5, 40.0])
_MANUFACTURERS = np.array(["Norvolt", "Helion", "Castor & Lind", "Tessaract", "Ostwald"])
_COOLING_RISES_K = {"ONAN": 55.0, "ONAF": 50.0, "OFAF": 45.0}
_FIRST_INSTALLATION, _LAST_INSTALLATION = np.datetime64("1965-01-01"), np.datetime64("2023-06-30")


@dataclass(frozen=True)
class Network:
    """What stands in the field, one frame for each kind of thing.

    Args:
        stations: station_id, latitude, longitude.
        substations: One row per substation, with station_id.
        feeders: One row per feeder; besides the GIS columns station_index, residential_share, customers_count.
        switches: One row per switch.
        customers: One row per service point.
        positions: One row per transformer position as first occupied; columns of the register.
    """

    stations: pd.DataFrame
    substations: pd.DataFrame
    feeders: pd.DataFrame
    switches: pd.DataFrame
    customers: pd.DataFrame
    positions: pd.DataFrame


def build_network(generator: np.random.Generator, *, feeders: int, transformers: int) -> Network:
    """Draw a network.

    Args:
        generator: Source of randomness.
        feeders: Number of feeders, at least 1.
        transformers: Number of transformer positions, at least 1.
    """
    stations = _stations(generator, count=3 if feeders < 8 else 4)  # noqa: PLR2004 - small networks need fewer
    substations = _substations(generator, stations, count=int(np.clip(round(feeders / 3), 3, 5)))
    feeder_table = _feeders(generator, substations, stations, count=feeders)
    positions = _positions(generator, feeder_table, count=transformers)
    return Network(
        stations=stations,
        substations=substations,
        feeders=feeder_table,
        switches=_switches(generator, feeder_table),
        customers=_customers(generator, feeder_table, positions),
        positions=positions,
    )


def _places(generator: np.random.Generator, count: int, spread_degrees: float) -> dict[str, object]:
    """Scatter places around the centre."""
    return {
        "latitude": (_CENTRE_LATITUDE + generator.normal(0, spread_degrees, count)).round(5),
        "longitude": (_CENTRE_LONGITUDE + generator.normal(0, spread_degrees, count)).round(5),
    }


def _stations(generator: np.random.Generator, *, count: int) -> pd.DataFrame:
    return pd.DataFrame({"station_id": _STATION_NAMES[:count], **_places(generator, count, 0.3)})


def _substations(generator: np.random.Generator, stations: pd.DataFrame, *, count: int) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "substation_id": [f"SUB{number:02d}" for number in range(1, count + 1)],
            "substation_name": _SUBSTATION_NAMES[:count],
            "station_id": stations["station_id"].to_numpy()[np.arange(count) % len(stations)],
            "primary_voltage_kv": generator.choice([69.0, 115.0, 138.0], count),
            **_places(generator, count, 0.25),
        }
    )


def _feeders(
    generator: np.random.Generator, substations: pd.DataFrame, stations: pd.DataFrame, *, count: int
) -> pd.DataFrame:
    home = np.arange(count) % len(substations)
    rated_mw = generator.uniform(9.0, 20.0, count).round(1)
    station_ids = substations["station_id"].to_numpy()[home]
    station_index = pd.Index(stations["station_id"]).get_indexer(pd.Index(station_ids))
    return pd.DataFrame(
        {
            "feeder_id": [f"F{number:03d}" for number in range(1, count + 1)],
            "substation_id": substations["substation_id"].to_numpy()[home],
            "voltage_kv": generator.choice([12.47, 13.8, 24.9], count),
            "rated_mw": rated_mw,
            "length_km": generator.gamma(4.0, 6.0, count).clip(4.0, 80.0).round(1),
            "overhead_share": generator.beta(4.0, 1.6, count).round(3),
            "vegetation_index": generator.beta(3.0, 2.5, count).round(3),
            **_places(generator, count, 0.2),
            "station_index": station_index,
            "residential_share": generator.beta(5.0, 3.0, count),
            "customers_count": (rated_mw * CUSTOMERS_PER_MW * generator.uniform(0.8, 1.2, count)).astype(int),
        }
    )


def _switches(generator: np.random.Generator, feeders: pd.DataFrame) -> pd.DataFrame:
    per_feeder = 4
    feeder_ids = np.repeat(feeders["feeder_id"].to_numpy(), per_feeder)
    kinds = np.tile(np.array(["recloser", "sectionalizer", "sectionalizer", "tie"]), len(feeders))
    return pd.DataFrame(
        {
            "switch_id": [f"SW{number:04d}" for number in range(1, len(kinds) + 1)],
            "feeder_id": feeder_ids,
            "switch_type": kinds,
            "is_normally_open": kinds == "tie",
            "is_remote_controlled": generator.random(len(kinds)) < np.where(kinds == "recloser", 0.9, 0.4),
            **_places(generator, len(kinds), 0.2),
        }
    )


def _positions(generator: np.random.Generator, feeders: pd.DataFrame, *, count: int) -> pd.DataFrame:
    home = np.arange(count) % len(feeders)
    span_days = (_LAST_INSTALLATION - _FIRST_INSTALLATION).astype(int)
    # An aged fleet: half the units are older than 35 years.
    installed_on = _FIRST_INSTALLATION + (span_days * generator.beta(1.1, 1.6, count)).astype("timedelta64[D]")
    frame = pd.DataFrame(
        {
            "asset_id": [f"T{number:05d}" for number in range(1, count + 1)],
            "substation_id": feeders["substation_id"].to_numpy()[home],
            "feeder_id": feeders["feeder_id"].to_numpy()[home],
            "feeder_index": home,
            "station_index": feeders["station_index"].to_numpy()[home],
            "installed_on": installed_on,
            "latitude": (feeders["latitude"].to_numpy()[home] + generator.normal(0, 0.02, count)).round(5),
            "longitude": (feeders["longitude"].to_numpy()[home] + generator.normal(0, 0.02, count)).round(5),
        }
    )
    return frame.assign(**draw_nameplates(generator, count))


def draw_nameplates(generator: np.random.Generator, count: int) -> dict[str, np.ndarray]:
    """Draw maker, rating and cooling of transformers.

    Returns:
        Columns manufacturer, rated_mva, rated_top_oil_rise_k, cooling_code, each of shape (count,).
    """
    cooling = generator.choice(np.array(list(_COOLING_RISES_K)), count, p=[0.5, 0.35, 0.15])
    rises_k = np.array([_COOLING_RISES_K[code] for code in cooling])
    return {
        "manufacturer": generator.choice(_MANUFACTURERS, count),
        "rated_mva": generator.choice(_RATINGS_MVA, count),
        "rated_top_oil_rise_k": (rises_k + generator.integers(-2, 3, count)).astype(float),
        "cooling_code": cooling,
    }


def _customers(generator: np.random.Generator, feeders: pd.DataFrame, positions: pd.DataFrame) -> pd.DataFrame:
    feeder_index = np.repeat(np.arange(len(feeders)), feeders["customers_count"].to_numpy())
    count = len(feeder_index)
    # Positions go round the feeders, so those of feeder f are f, f + n, f + 2n ...
    per_feeder = np.maximum((len(positions) - feeder_index + len(feeders) - 1) // len(feeders), 1)
    position = feeder_index + (generator.random(count) * per_feeder).astype(int) * len(feeders)
    classes = np.array(["residential", "commercial", "industrial"])
    return pd.DataFrame(
        {
            "customer_id": [f"C{number:06d}" for number in range(1, count + 1)],
            "feeder_id": feeders["feeder_id"].to_numpy()[feeder_index],
            "asset_id": positions["asset_id"].to_numpy()[np.minimum(position, len(positions) - 1)],
            "customer_class": generator.choice(classes, count, p=[0.86, 0.125, 0.015]),
            "is_critical": generator.random(count) < CRITICAL_SHARE,
        }
    )
