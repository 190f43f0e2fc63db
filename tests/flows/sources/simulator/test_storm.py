"""A storm follows the last delivered issue, is severe, and leaves no half of a file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

from flows.errors import UsageError
from flows.settings import Settings
from flows.sources.simulator.storm import PEAK_GUST_MPS, SOURCE, deliver_storm_forecast

if TYPE_CHECKING:
    from pathlib import Path


def deliver_calm_forecast(inbox: Path) -> pd.Timestamp:
    folder = inbox / SOURCE
    folder.mkdir(parents=True)
    issued = pd.Timestamp("2024-12-31")
    valid = pd.date_range(issued, periods=49, freq="h")[1:]
    calm = {"temperature_degc": 4.0, "wind_speed_mps": 3.0, "precipitation_mm": 0.0}
    stations = [
        pd.DataFrame({"station_id": name, "issued_at": issued, "valid_at": valid, "wind_gust_mps": gust, **calm})
        for name, gust in {"KALB": 5.0, "KPSF": 8.0}.items()
    ]
    pd.concat(stations).to_parquet(folder / "forecasts_2024-12.parquet", index=False)
    return issued


def test_the_next_issue_is_a_storm_beyond_the_severe_limit(tmp_path: Path) -> None:
    last = deliver_calm_forecast(tmp_path)

    issue = deliver_storm_forecast(tmp_path)

    rows = pd.read_parquet(issue.path)
    assert issue.issued_at == (last + pd.Timedelta(hours=6)).tz_localize("UTC")
    assert issue.gust_mps == rows["wind_gust_mps"].max() == pytest.approx(PEAK_GUST_MPS)
    assert issue.gust_mps > Settings().severe_gust_mps
    assert (rows["wind_gust_mps"] >= rows["wind_speed_mps"]).all()
    peaks = rows.groupby("station_id")["wind_gust_mps"].max()
    assert peaks["KPSF"] > peaks["KALB"]
    assert len(rows) == 96
    assert [path.name for path in sorted(issue.path.parent.iterdir())] == [
        "forecasts_2024-12.parquet",
        "forecasts_2024-12-31T06_storm.parquet",
    ][::-1]


def test_without_a_simulated_utility_there_is_no_storm(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="There is no forecast"):
        deliver_storm_forecast(tmp_path)
