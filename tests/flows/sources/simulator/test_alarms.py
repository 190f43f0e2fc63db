"""The control centre's log and the restoration estimates: what goes with outages, and what dirt does to them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd
import pytest

if TYPE_CHECKING:
    from flows.sources.simulator.simulation import SimulationSummary

CHATTER = pd.Timedelta(seconds=60)
COMMANDED = 11


def _delivered(summary: SimulationSummary, source: str, pattern: str, times: list[str]) -> pd.DataFrame:
    files = sorted((summary.inbox / source).glob(pattern))
    frame = pd.concat([pd.read_csv(path) for path in files], ignore_index=True)
    return frame.assign(**{column: pd.to_datetime(frame[column], format="ISO8601") for column in times})


def _log(summary: SimulationSummary) -> pd.DataFrame:
    return _delivered(summary, "simulator_alarms", "alarms_*.csv.gz", ["ts", "logged"])


def _outages(summary: SimulationSummary) -> pd.DataFrame:
    return _delivered(summary, "simulator_oms", "outages_20*.csv.gz", ["START", "FIRST_ETR", "RESTORED"])


def _estimates(summary: SimulationSummary) -> pd.DataFrame:
    return _delivered(summary, "simulator_oms", "restoration_estimates_*.csv.gz", ["START", "ETR", "ISSUED"])


def _defects(summary: SimulationSummary, raw_table: str) -> pd.DataFrame:
    defects = pd.read_parquet(summary.truth_dir / "defects.parquet")
    return defects[defects["raw_table"] == raw_table]


@pytest.fixture(scope="module")
def clean_log(clean: SimulationSummary) -> pd.DataFrame:
    return _log(clean)


def test_the_log_counts_on_by_one_in_the_order_it_was_written(clean_log: pd.DataFrame) -> None:
    assert clean_log["seq"].tolist() == list(range(1, len(clean_log) + 1))
    assert clean_log["logged"].is_monotonic_increasing
    assert (clean_log["logged"] >= clean_log["ts"]).all()


def test_each_outage_trips_a_device_of_its_feeder_or_is_switched_by_an_operator(
    clean: SimulationSummary, clean_log: pd.DataFrame
) -> None:
    outages = _outages(clean)
    opened = clean_log[clean_log["state"] == "OPEN"]
    tripped = clean_log[clean_log["point"].str.endswith(".TRIP") & (clean_log["state"] == "ALARM")]
    back = clean_log[clean_log["state"] == "CLOSED"]

    def places(rows: pd.DataFrame, time: str, feeder: pd.Series) -> set[tuple[str, pd.Timestamp]]:
        return set(zip(feeder, rows[time].dt.floor("s"), strict=True))

    forced, planned = outages[outages["PLANNED"] == "N"], outages[outages["PLANNED"] == "Y"]
    restored = outages[outages["RESTORED"].notna()]
    commanded = opened[opened["cot"] == COMMANDED]
    assert places(tripped, "ts", tripped["point"].str[:4]) == places(forced, "START", forced["FEEDER"])
    assert places(commanded, "ts", commanded["point"].str[:4]) == places(planned, "START", planned["FEEDER"])
    assert places(back, "ts", back["point"].str[:4]) == places(restored, "RESTORED", restored["FEEDER"])
    assert len(planned) > 0


def test_only_commands_name_an_operator_and_only_acknowledgements_a_reader(clean_log: pd.DataFrame) -> None:
    is_command, is_read = clean_log["command_type"].notna(), clean_log["ack_user"].notna()
    kinds = is_command.astype(int) + is_read.astype(int) + clean_log["state"].notna().astype(int)

    assert (kinds == 1).all()
    assert (clean_log["operator"].notna() == is_command).all()
    assert set(clean_log["command_type"].dropna()) == {"OPEN", "CLOSE"}
    assert clean_log["ack_user"].nunique() == 3


def test_a_loose_contact_chatters_and_nothing_else_comes_three_times_a_minute_by_itself(
    clean_log: pd.DataFrame,
) -> None:
    starts = clean_log[clean_log["state"] == "ALARM"].sort_values(["point", "ts"])
    third = starts.groupby("point")["ts"].shift(-2) - starts["ts"]
    chattering = starts[third <= CHATTER]["point"]

    relays = chattering[chattering.str.endswith(".GAS.RELAY")]
    assert len(relays) >= 4
    assert not chattering.str.contains("COMM|BATTERY|DOOR|HEATER").any()


def test_estimates_begin_with_the_outages_own_and_come_nearer_before_power_is_back(clean: SimulationSummary) -> None:
    outages = _delivered(clean, "simulator_oms", "outages_*.csv.gz", ["FIRST_ETR", "RESTORED"]).set_index("OUTAGE_NO")
    told = _estimates(clean).sort_values(["OUTAGE_NO", "ISSUED"]).join(outages[["FIRST_ETR", "RESTORED"]], "OUTAGE_NO")
    first, last = (told.groupby("OUTAGE_NO").nth(place) for place in (0, -1))
    revised = told.groupby("OUTAGE_NO").size() > 1
    is_revised = last["OUTAGE_NO"].map(revised).to_numpy()
    first_error, last_error = ((rows["ETR"] - rows["RESTORED"]).abs()[is_revised].median() for rows in (first, last))

    assert (first["ETR"] == first["FIRST_ETR"]).all()
    assert not (told["ISSUED"] > told["RESTORED"]).any()
    assert not (told["ETR"] < told["ISSUED"]).any()
    assert 0.09 <= revised.mean() <= 0.4
    assert last_error < 0.7 * first_error


def test_what_is_recorded_of_the_log_was_delivered(dirty: SimulationSummary) -> None:
    log, defects = _log(dirty), _defects(dirty, "scada_alarms")
    counts = defects["defect_class"].value_counts()
    is_reset = log["ts"] < pd.Timestamp("1990-01-01", tz="UTC")
    key = ["seq", "ts", "point"]
    first = log.drop_duplicates(key)
    step = first["seq"].diff()

    assert set(counts.index) == {"duplicate", "sequence_gap", "sequence_restart", "undefined_state", "clock_reset"}
    assert log.duplicated(key).sum() == counts["duplicate"]
    assert (step > 1).sum() == counts["sequence_gap"]
    assert (step < 0).sum() == counts["sequence_restart"]
    assert is_reset.sum() == counts["clock_reset"]
    assert (first["state"].notna() & ~first["state"].isin(["ALARM", "NORMAL", "OPEN", "CLOSED"])).sum() == counts[
        "undefined_state"
    ]


def test_what_is_recorded_of_estimates_was_delivered(dirty: SimulationSummary) -> None:
    told, counts = (
        _estimates(dirty),
        _defects(dirty, "oms_restoration_estimates")["defect_class"].value_counts(),
    )
    once = told.drop_duplicates()
    ahead = once["ETR"] - once["ISSUED"]

    assert set(counts.index) == {"duplicate", "missing_start", "clock_skew", "absurd", "orphan"}
    assert len(told) - len(once) == counts["duplicate"]
    assert once["START"].isna().sum() == counts["missing_start"]
    assert (once["OUTAGE_NO"] == "OT9999999").sum() == counts["orphan"]
    assert (ahead > pd.Timedelta(days=300)).sum() == counts["absurd"]
    assert (ahead <= pd.Timedelta(minutes=-10)).sum() >= counts["clock_skew"] - counts["absurd"] > 0
