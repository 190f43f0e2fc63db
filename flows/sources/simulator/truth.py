"""What really was: written beside the inbox, never into it.

What lives here: true hazards and rates, the best scores a model can reach with them, and true load. What does
not: files that a pipeline may read (`files`), the list of injected defects (`dirt`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from flows.sources.simulator.condition import NO_FAILURE, Fleet
from flows.sources.simulator.outages import OutageDraw, outage_rate
from flows.sources.simulator.timeline import HOURS_PER_WEEK, LOCAL_TIME_ZONE, Timeline
from flows.sources.simulator.weather import latest_issue_before

if TYPE_CHECKING:
    from flows.sources.simulator.network import Network
    from flows.sources.simulator.timeline import Booleans, Floats
    from flows.sources.simulator.weather import WeatherForecasts

LABEL_WEEKS = 4
_ISSUE_HOUR_UTC = 18  # the day before, as in feat_outage_risk__daily


def area_under_curve(score: Floats, is_event: Booleans) -> float:
    """Return the ROC AUC of a score, ties counted half; NaN when one class is missing.

    >>> area_under_curve(np.array([0.1, 0.4, 0.35, 0.8]), np.array([False, False, True, True]))
    0.75
    """
    events = int(is_event.sum())
    others = len(is_event) - events
    if events == 0 or others == 0:
        return float("nan")
    rank_sum = float(pd.Series(score).rank().to_numpy()[is_event].sum())
    return (rank_sum - events * (events + 1) / 2.0) / (events * others)


def poisson_deviance(count: Floats, expected: Floats) -> float:
    """Return the mean Poisson deviance of expected counts; smaller is better."""
    with np.errstate(divide="ignore", invalid="ignore"):
        log_term = np.where(count > 0, count * np.log(count / expected), 0.0)
    return float(2.0 * np.mean(log_term - (count - expected)))


def _skill(count: Floats, expected: Floats, climatology: Floats) -> float:
    """Return the deviance explained over climatology; NaN when there is nothing to explain."""
    reference = poisson_deviance(count, climatology) if len(count) else 0.0
    return 1.0 - poisson_deviance(count, expected) / reference if reference > 0.0 else float("nan")


def transformer_truth(timeline: Timeline, fleet: Fleet) -> pd.DataFrame:
    """Return the true hazard per asset and week.

    Returns:
        asset_id, week_start_at, wear, severity, hazard_7d, hazard_28d, has_failed_within_7_days,
        has_failed_within_28_days (null when the four weeks are not over and no failure came).
    """
    count, weeks = fleet.occupant.shape
    fails = fleet.failed_hour != NO_FAILURE
    within = np.zeros((count, weeks), dtype=bool)
    for ahead in range(min(LABEL_WEEKS, weeks)):
        same = fleet.occupant[:, : weeks - ahead] == fleet.occupant[:, ahead:]
        within[:, : weeks - ahead] |= fails[:, ahead:] & same
    ends_at = fleet.week_starts + np.timedelta64(LABEL_WEEKS * HOURS_PER_WEEK, "h")
    is_over = np.broadcast_to(ends_at <= timeline.end_at, (count, weeks))
    label = pd.array(within.ravel(), dtype="boolean")
    label[~(within | is_over).ravel()] = pd.NA
    frame = pd.DataFrame(
        {
            "asset_id": fleet.register["asset_id"].reindex(fleet.occupant.ravel()).to_numpy(),
            "week_start_at": np.tile(fleet.week_starts.astype("datetime64[s]"), count),
            "wear": fleet.wear.ravel(),
            "severity": fleet.severity.ravel(),
            "hazard_7d": fleet.hazard_7d.ravel(),
            "hazard_28d": fleet.hazard_28d.ravel(),
            "has_failed_within_7_days": fails.ravel(),
            "has_failed_within_28_days": label,
        }
    )
    is_settled = fleet.in_service_from_hour.ravel() == 0
    settled: pd.DataFrame = frame[is_settled & frame["asset_id"].notna().to_numpy()]
    return settled.reset_index(drop=True)


def outage_truth(
    timeline: Timeline,
    network: Network,
    forecasts: WeatherForecasts,
    outages: OutageDraw,
    fleet: Fleet,
) -> pd.DataFrame:
    """Return the true expected count per feeder and local day, over the delivered span.

    Returns:
        feeder_id, outage_date, expected_count (weather as it came), forecast_expected_count (weather as forecast at
        18:00 UTC the day before), outage_count (unplanned).
    """
    hours = timeline.hours[: outages.hourly_rate.shape[1]]
    local_days = timeline.local(hours).tz_localize(None).normalize().to_numpy().astype("datetime64[D]")
    failure_rate = _failure_rate(timeline, network, fleet, len(hours))
    rate = outages.hourly_rate + failure_rate
    from_forecast = _forecast_rate(network, forecasts, hours, local_days) + failure_rate
    first, last = (
        str(pd.Timestamp(moment, tz="UTC").tz_convert(LOCAL_TIME_ZONE).date())
        for moment in (timeline.start_at, timeline.end_at)
    )
    # Days cut by the start or end of data are left out.
    days, day_of_hour = np.unique(local_days, return_inverse=True)
    keep = (days > np.datetime64(first)) & (days < np.datetime64(last))
    feeder_ids = network.feeders["feeder_id"].to_numpy()
    starts = np.flatnonzero(np.diff(day_of_hour, prepend=-1))
    expected = np.add.reduceat(rate, starts, axis=1)[:, keep]
    forecast = np.add.reduceat(from_forecast, starts, axis=1)[:, keep]
    records = outages.records[~outages.records["is_planned"]]
    local = pd.DatetimeIndex(records["started_at"], tz="UTC").tz_convert(LOCAL_TIME_ZONE)
    record_day = local.tz_localize(None).normalize().to_numpy().astype("datetime64[D]")
    counts = np.zeros((len(feeder_ids), len(days)))
    feeder = pd.Index(feeder_ids).get_indexer(pd.Index(records["feeder_id"]))
    np.add.at(counts, (feeder, np.searchsorted(days, record_day)), 1)
    return pd.DataFrame(
        {
            "feeder_id": np.repeat(feeder_ids, int(keep.sum())),
            "outage_date": np.tile(days[keep].astype("datetime64[s]"), len(feeder_ids)),
            "expected_count": expected.ravel(),
            "forecast_expected_count": forecast.ravel(),
            "outage_count": counts[:, keep].ravel().astype(np.int64),
        }
    )


def _failure_rate(timeline: Timeline, network: Network, fleet: Fleet, hours: int) -> Floats:
    """Return expected transformer failures per feeder and hour; zero in history."""
    per_feeder = np.zeros((len(network.feeders), len(fleet.week_starts)))
    np.add.at(per_feeder, network.positions["feeder_index"].to_numpy(), fleet.hazard_7d)
    week = (timeline.hours[:hours] - fleet.week_starts[0]).astype(np.int64) // HOURS_PER_WEEK
    rate = per_feeder[:, np.clip(week, 0, len(fleet.week_starts) - 1)] / HOURS_PER_WEEK
    return np.asarray(np.where(np.arange(hours) >= timeline.delivered.start, rate, 0.0))


def _forecast_rate(
    network: Network,
    forecasts: WeatherForecasts,
    hours: np.ndarray,
    local_days: np.ndarray,
) -> Floats:
    """Return the outage rate that follows from the forecast known at 18:00 UTC of the day before."""
    issue_time = (local_days - np.timedelta64(1, "D")).astype("datetime64[h]") + _ISSUE_HOUR_UTC
    issue = latest_issue_before(forecasts, issue_time)
    is_known = issue >= 0
    issue = np.maximum(issue, 0)
    step = (hours - forecasts.issued_at[issue]).astype(np.int64) - 1
    is_known &= (step >= 0) & (step < forecasts.wind_gust_mps.shape[2])
    step = np.clip(step, 0, forecasts.wind_gust_mps.shape[2] - 1)
    station = network.feeders["station_index"].to_numpy()[:, None]
    rate = outage_rate(
        network,
        wind_gust_mps=forecasts.wind_gust_mps[issue, station, step],
        temperature_degc=forecasts.temperature_degc[issue, station, step],
    )
    return np.asarray(np.where(is_known, rate, 0.0))


def ceilings(transformers: pd.DataFrame, outages: pd.DataFrame) -> pd.DataFrame:
    """Return the best scores a model can reach: those of the truth itself.

    Returns:
        use_case, metric, value, n.
    """
    known = transformers[transformers["has_failed_within_28_days"].notna()]
    rows: list[tuple[str, str, float, int]] = [
        (
            "transformer_failure",
            "auc_7d",
            area_under_curve(transformers["hazard_7d"].to_numpy(), transformers["has_failed_within_7_days"].to_numpy()),
            len(transformers),
        ),
        (
            "transformer_failure",
            "auc",
            area_under_curve(
                known["hazard_28d"].to_numpy(), known["has_failed_within_28_days"].to_numpy().astype(bool)
            ),
            len(known),
        ),
    ]
    count = outages["outage_count"].to_numpy().astype(float)
    climatology = outages.groupby("feeder_id")["outage_count"].transform("mean").to_numpy().clip(1e-6)
    for name, column in (("", "forecast_expected_count"), ("_observed_weather", "expected_count")):
        expected = outages[column].to_numpy().clip(1e-6)
        rows += [
            ("outage_risk", f"auc{name}", area_under_curve(expected, count > 0), len(count)),
            ("outage_risk", f"poisson_deviance_skill{name}", _skill(count, expected, climatology), len(count)),
        ]
    return pd.DataFrame(rows, columns=["use_case", "metric", "value", "n"])
