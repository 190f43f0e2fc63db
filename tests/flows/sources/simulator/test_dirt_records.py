"""What is recorded of load and prices was delivered, also in the hour the autumn change swallows."""

from __future__ import annotations

import numpy as np
import pandas as pd

from flows.sources.simulator.dirt import DefectLog, DefectRates
from flows.sources.simulator.dirt_records import RecordDirt

HOURS = np.arange(np.datetime64("2024-10-28T00", "h"), np.datetime64("2024-11-06T00", "h"))
LOST_HOUR = pd.Timestamp("2024-11-03T05:00")  # ends at 01:00 by the clock, as the hour before it
DIRTY = DefectRates(gap=0.3, stuck=0.1, spike=0.4, zero=0.1, absurd=0.4, unit_slip=0.5, bad_quality=0.3)


def test_what_is_recorded_of_a_load_reading_was_delivered() -> None:
    series = [f"F{number:03d}" for number in range(20)]
    frame = pd.DataFrame(
        {
            "series_id": np.tile(series, len(HOURS)),
            "interval_start_at": np.repeat(HOURS.astype("datetime64[s]"), len(series)),
            "load_mw": np.random.default_rng(1).uniform(2.0, 9.0, len(HOURS) * len(series)),
            "received_at": np.repeat(HOURS.astype("datetime64[s]"), len(series)),
        }
    )
    log = DefectLog()

    delivered = RecordDirt(np.random.default_rng(2), rates=DIRTY, log=log).load(frame)

    keys = set(zip(delivered["series_id"], delivered["interval_start_at"], strict=True))
    found = log.frame()
    recorded = found[~found["defect_class"].isin(["gap", "dst_lost_hour"])]
    assert {"spike", "absurd", "stuck", "bad_quality", "unit_slip_kw"} <= set(recorded["defect_class"])
    assert set(zip(recorded["entity"], recorded["time"], strict=True)) <= keys
    lost = found[found["defect_class"] == "dst_lost_hour"]
    assert set(lost["time"]) == {LOST_HOUR}
    assert not keys & set(zip(lost["entity"], lost["time"], strict=True))


def test_an_absurd_price_of_an_hour_that_is_missing_is_not_recorded() -> None:
    frame = pd.DataFrame(
        {
            "interval_start_at": HOURS.astype("datetime64[s]"),
            "day_ahead_price_usd_per_mwh": 30.0,
            "real_time_price_usd_per_mwh": 31.0,
        }
    )
    log = DefectLog()

    delivered = RecordDirt(np.random.default_rng(3), rates=DefectRates(gap=5.0, absurd=0.5), log=log).prices(frame)

    found = log.frame()
    absurd = set(found[found["defect_class"] == "absurd"]["time"])
    missing = set(found[found["defect_class"] == "gap"]["time"])
    assert absurd
    assert missing
    assert absurd == set(delivered[delivered["real_time_price_usd_per_mwh"] > 90_000]["interval_start_at"])
    assert not absurd & missing
