"""Capture by hand, where a storm's morning points, and that nothing reported later changes a list."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from ml.errors import NotEnoughDataError
from ml.storm_priority.baseline import captured
from ml.storm_priority.config import StormPriorityConfig
from ml.storm_priority.model import nearness_of, reported_counts, updated_scores
from ml.storm_priority.train import train
from ml.storms import find_storms, is_in, storm_days

CONFIG = StormPriorityConfig()
START = pd.Timestamp("2024-01-01 08:00", tz="UTC")
DAY = pd.Timedelta(days=1)
PLACES = 30


def test_half_of_four_places_catches_what_lies_in_the_best_two() -> None:
    outages = np.array([5.0, 1.0, 0.0, 4.0])

    assert captured(np.array([0.1, 0.9, 0.2, 0.3]), outages, share=0.5) == 5.0  # 1 + 4
    assert captured(outages, outages, share=0.5) == 9.0


def test_only_what_was_reported_in_the_window_counts() -> None:
    outages = pd.DataFrame(
        {"feeder_id": ["A", "A", "B", "C"], "valid_at": [START, START + DAY / 24, START + DAY / 12, START + DAY / 24]}
    )

    counts = reported_counts(outages, pd.Index(["A", "B"]), pd.Series([START + DAY / 12]), hours=1.5)

    assert counts.tolist() == [[1.0, 0.0]]  # the first is too old, the third at the instant itself, C no place


def test_a_place_beside_a_struck_one_comes_before_an_equal_one_far_away() -> None:
    nearness = nearness_of(np.array([40.0, 40.1, 45.0]), np.array([-75.0, -75.0, -75.0]), reach_km=15.0)

    score = updated_scores(np.full((1, 3), 0.1), np.array([[8.0, 0.0, 0.0]]), nearness, config=CONFIG)[0]

    assert score[0] > score[1] > score[2]


def test_days_close_together_are_one_storm_and_the_largest_comes_first() -> None:
    valid_at = pd.Series(START + np.arange(200) * DAY)
    counts = np.ones(200)
    counts[[10, 11, 50, 120, 122]] = [30.0, 20.0, 40.0, 60.0, 9.0]
    outages = pd.Series(counts)

    storms = find_storms(valid_at, outages)

    assert [storm.outage_count for storm in storms] == [69.0, 50.0, 40.0]
    assert storms[0].ends_at - storms[0].begins_at == 2 * DAY
    assert np.flatnonzero(is_in(storms[2], valid_at, margin_days=2)).tolist() == [48, 49, 50, 51, 52]


def test_a_network_without_worse_days_has_no_storms() -> None:
    valid_at = pd.Series(START + np.arange(50) * DAY)

    assert find_storms(valid_at, pd.Series(np.ones(50))) == ()
    assert storm_days(valid_at[:0], pd.Series(dtype=float)).empty


def make_features(storm_region: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Make 100 days, the 60th a storm in one of three regions of ten places each, reported hour by hour."""
    generator = np.random.default_rng(4)
    rate = np.full((100, PLACES), 0.2)
    rate[60, 10 * storm_region : 10 * storm_region + 10] = 12.0
    count = generator.poisson(rate)
    day, place = np.nonzero(count)
    day, place = (np.repeat(axis, count[day, place]) for axis in (day, place))
    outages = pd.DataFrame(
        {
            "network_id": "N",
            "feeder_id": [f"P{number:02}" for number in place],
            "valid_at": START + pd.to_timedelta(day * 24 + generator.uniform(0, 24, len(day)), unit="h"),
            "latitude": 35.0 + 2 * (place // 10) + 0.05 * (place % 10),
            "longitude": -120.0,
        }
    )
    days, places = (axis.ravel() for axis in np.indices(count.shape))
    features = pd.DataFrame(
        {
            "network_id": "N",
            "feeder_id": [f"P{number:02}" for number in places],
            "valid_at": START + days * DAY,
            "available_at": START + days * DAY - pd.Timedelta(hours=14),
            "outage_count_28d": generator.poisson(5, len(days)),
            "outage_count": count.ravel(),
            "is_live": False,
        }
    )
    return features, outages


def test_the_list_made_at_noon_finds_the_region_and_the_bound_holds() -> None:
    rows = {(row.series_id, row.metric): row.value for row in train(*make_features(1)).metrics}

    ahead, noon = rows["N day ahead", "capture10"], rows["N updated at noon", "capture10"]
    assert noon > ahead
    assert noon <= rows["N updated at noon", "capture10_oracle"]


def test_a_list_reads_nothing_that_was_reported_after_it() -> None:
    _features, outages = make_features(1)
    noon = START + 60 * DAY + pd.Timedelta(hours=12)
    places = pd.Index([f"P{number:02}" for number in range(PLACES)])
    later = outages[outages["valid_at"] >= noon].assign(feeder_id="P00")
    changed = pd.concat([outages[outages["valid_at"] < noon], later, later])

    first, again = (reported_counts(frame, places, pd.Series([noon]), hours=12) for frame in (outages, changed))

    assert len(later) > 20
    assert first.sum() > 20
    assert np.array_equal(first, again)


def test_few_places_are_not_judged() -> None:
    features, outages = make_features(0)

    with pytest.raises(NotEnoughDataError):
        train(features[features["feeder_id"] < "P10"], outages)
