"""Outages of the feeders: how many to expect in the weather, and which ones come.

What lives here: the true rate per feeder and hour, and the outage records drawn from it. What does not:
transformer failures (`condition`), which are added here as outages of their own.
Decision: the rate is per hour and knows the hour's gust; the truth per local day is its sum. A second sum
over the day-ahead forecast shows what a model can know at issue time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from flows.sources.simulator.condition import NO_FAILURE, Fleet
from flows.sources.simulator.timeline import HOURS_PER_DAY, Timeline

if TYPE_CHECKING:
    from flows.sources.simulator.network import Network
    from flows.sources.simulator.timeline import Booleans, Floats, Integers
    from flows.sources.simulator.weather import Weather

CALM_OUTAGES_PER_FEEDER_DAY = 0.05
PLANNED_SHARE = 0.05
_GUST_REFERENCE_MPS, _GUST_EXPONENT = 12.5, 5.0
_STORM_GUST_MPS = 17.0
_CALM_CAUSES = np.array(
    ["Unknown", "Animal contact", "Equipment failure - overhead", "Equipment failure - underground",
     "Vehicle", "Tree contact", "Lightning", "Overload"]
)  # fmt: skip
_CALM_WEIGHTS = np.array([0.32, 0.16, 0.17, 0.09, 0.07, 0.11, 0.04, 0.04])
_STORM_CAUSES = np.array(["Tree contact", "Wind", "Lightning", "Unknown - storm", "Equipment failure - overhead"])
_STORM_WEIGHTS = np.array([0.42, 0.25, 0.08, 0.17, 0.08])


@dataclass(frozen=True)
class OutageDraw:
    """Outages and where they came from.

    Args:
        records: One row per outage, ordered by start; times UTC.
        hourly_rate: Expected unplanned outages, shape (feeders, hours of the timeline).
    """

    records: pd.DataFrame
    hourly_rate: Floats


def outage_rate(
    network: Network,
    *,
    wind_gust_mps: Floats,
    temperature_degc: Floats,
    feeder_index: slice | Integers = slice(None),
) -> Floats:
    """Return expected unplanned outages per feeder and hour.

    Args:
        network: For exposure, length and customers of the feeders.
        wind_gust_mps: Gust at each feeder's station, shape (feeders, hours).
        temperature_degc: Temperature at each feeder's station, same shape.
        feeder_index: Which feeders the rows are.
    """
    feeders = network.feeders.iloc[feeder_index]
    exposure = (feeders["overhead_share"] * (0.35 + 1.3 * feeders["vegetation_index"])).to_numpy()[:, None]
    length = np.sqrt(feeders["length_km"].to_numpy() / 24.0)[:, None]
    calm = CALM_OUTAGES_PER_FEEDER_DAY / HOURS_PER_DAY * length
    wind = (np.maximum(wind_gust_mps, 0.0) / _GUST_REFERENCE_MPS) ** _GUST_EXPONENT
    heat = np.exp(0.08 * np.maximum(temperature_degc - 28.0, 0.0))
    return np.asarray(calm * (heat + 5.0 * exposure * np.minimum(wind, 250.0)))


def simulate_outages(
    generator: np.random.Generator,
    timeline: Timeline,
    network: Network,
    weather: Weather,
    fleet: Fleet,
) -> OutageDraw:
    """Draw outages over history and the delivered span."""
    station = network.feeders["station_index"].to_numpy()
    rate = outage_rate(
        network,
        wind_gust_mps=weather.wind_gust_mps[station],
        temperature_degc=weather.temperature_degc[station],
    )[:, : timeline.delivered.stop]
    feeder, hour = _drawn(generator, rate)
    planned_rate = np.full_like(rate, PLANNED_SHARE * rate.mean())
    local_hour = timeline.local(timeline.hours[: rate.shape[1]]).hour.to_numpy()
    planned_rate = planned_rate * np.where((local_hour >= 8) & (local_hour < 15), 24 / 7, 0.0)  # noqa: PLR2004 - working hours
    planned_feeder, planned_hour = _drawn(generator, planned_rate)
    is_planned = np.arange(len(feeder) + len(planned_feeder)) >= len(feeder)
    feeder = np.concatenate([feeder, planned_feeder])
    hour = np.concatenate([hour, planned_hour])
    gust = weather.wind_gust_mps[station][feeder, hour]
    records = _records(generator, timeline, network, feeder=feeder, hour=hour, gust=gust, is_planned=is_planned)
    failures = _transformer_outages(generator, timeline, network, fleet)
    joined = pd.concat([part for part in (records, failures) if len(part)], ignore_index=True)
    joined = joined.sort_values(["started_at", "feeder_id"], kind="stable", ignore_index=True)
    joined.insert(0, "outage_id", [f"OT{number:07d}" for number in range(1, len(joined) + 1)])
    end = timeline.end_at.astype("datetime64[us]")
    joined = joined[joined["started_at"] < end]
    joined.loc[joined["restored_at"] >= end, "restored_at"] = pd.NaT
    return OutageDraw(records=joined, hourly_rate=rate)


def _drawn(generator: np.random.Generator, rate: Floats) -> tuple[Integers, Integers]:
    """Draw counts and return feeder and hour of each event."""
    counts = generator.poisson(rate)
    feeder, hour = np.nonzero(counts)
    repeats = counts[feeder, hour]
    return np.repeat(feeder, repeats), np.repeat(hour, repeats)


def _records(
    generator: np.random.Generator,
    timeline: Timeline,
    network: Network,
    *,
    feeder: Integers,
    hour: Integers,
    gust: Floats,
    is_planned: Booleans,
) -> pd.DataFrame:
    """Fill in what a record says: duration, customers, cause, reports."""
    count = len(feeder)
    is_storm = (gust > _STORM_GUST_MPS) & ~is_planned
    started_at = timeline.hours[hour].astype("datetime64[s]") + generator.integers(0, 3600, count)
    minutes = generator.lognormal(np.log(95.0), 0.8, count) * np.where(is_storm, 2.4, 1.0)
    minutes = np.where(is_planned, generator.normal(180.0, 40.0, count).clip(30.0), minutes).clip(2.0, 6_000.0)
    customers = network.feeders["customers_count"].to_numpy()[feeder]
    share = generator.lognormal(np.log(0.045), 1.0, count).clip(0.001, 1.0)
    causes = np.where(
        is_storm,
        generator.choice(_STORM_CAUSES, count, p=_STORM_WEIGHTS),
        generator.choice(_CALM_CAUSES, count, p=_CALM_WEIGHTS),
    )
    return _frame(
        generator, network, feeder=feeder, started_at=started_at, minutes=minutes,
        customers=np.maximum(1, customers * share).astype(np.int64),
        cause=np.where(is_planned, "Planned maintenance", causes), asset_id=np.full(count, None, dtype=object),
        is_planned=is_planned,
    )  # fmt: skip


def _frame(
    generator: np.random.Generator,
    network: Network,
    *,
    feeder: Integers,
    started_at: np.ndarray,
    minutes: Floats,
    customers: Integers,
    cause: np.ndarray,
    asset_id: np.ndarray,
    is_planned: Booleans,
) -> pd.DataFrame:
    """Build outage rows; first reports come a median 13.5 minutes late, first estimates are rough."""
    count = len(feeder)
    feeders = network.feeders
    delay = generator.lognormal(np.log(13.5), 1.1, count).clip(0.5, 1_400.0)
    delay = np.where(is_planned, 0.0, np.minimum(delay, 0.8 * minutes))
    # A dispatcher's first estimate regresses to the usual two hours and is rounded up to a quarter of an hour; nobody
    # promises what is already past.
    estimate = np.exp(0.35 * np.log(minutes) + 0.65 * np.log(130.0) + generator.normal(0, 0.45, count))
    estimate = np.ceil(np.maximum(estimate, delay) / 15.0) * 15.0
    return pd.DataFrame(
        {
            "feeder_id": feeders["feeder_id"].to_numpy()[feeder],
            "asset_id": asset_id,
            "started_at": started_at,
            "first_reported_at": started_at + (delay * 60).astype("timedelta64[s]"),
            "restored_at": started_at + (minutes * 60).astype("timedelta64[s]"),
            "first_estimated_restoration_at": started_at + (estimate * 60).astype("timedelta64[s]"),
            "customers_out_count": customers,
            "cause_text": cause,
            "is_planned": is_planned,
            "latitude": (feeders["latitude"].to_numpy()[feeder] + generator.normal(0, 0.03, count)).round(5),
            "longitude": (feeders["longitude"].to_numpy()[feeder] + generator.normal(0, 0.03, count)).round(5),
        }
    )


def _transformer_outages(
    generator: np.random.Generator, timeline: Timeline, network: Network, fleet: Fleet
) -> pd.DataFrame:
    """One outage per transformer failure: long, and many customers out."""
    position, week = np.nonzero(fleet.failed_hour != NO_FAILURE)
    hour = fleet.failed_hour[position, week]
    feeder = network.positions["feeder_index"].to_numpy()[position]
    count = len(feeder)
    asset_id = fleet.register["asset_id"].reindex(fleet.occupant[position, week]).to_numpy().astype(object)
    customers = network.feeders["customers_count"].to_numpy()[feeder]
    return _frame(
        generator, network, feeder=feeder,
        started_at=timeline.delivered_hours[hour].astype("datetime64[s]") + np.int64(0),
        minutes=generator.lognormal(np.log(260.0), 0.4, count),
        customers=np.maximum(1, customers * generator.uniform(0.05, 0.4, count)).astype(np.int64),
        cause=np.full(count, "Transformer failure", dtype=object), asset_id=asset_id,
        is_planned=np.zeros(count, dtype=bool),
    )  # fmt: skip
