"""All real sources in one home: one run from the files to models that beat their baselines.

`make test` takes the half of the balancing authorities in which four of five known anomalies are, and the later half of
the outages; `make test-full` all of them, too.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from flows.engine.prefect.server import PrefectServer
from tests.conftest import CHECKOUT, SHARED_DATA
from tests.e2e.conftest import complete
from tests.e2e.homes import Home

pytestmark = [
    pytest.mark.slow,
    pytest.mark.real_data,
    pytest.mark.skipif(not SHARED_DATA.is_dir(), reason="the shared data sets are not beside the checkout"),
]

SOURCES = (
    "vic_load_weather",
    "ett_transformer",
    "eia930_load",
    "eaglei_cook_county",
    "pge_outages",
    "scada_mms_iec104",
    "transformer_dga_health",
    "nyc_hourly_weather",
)


@dataclass(frozen=True)
class Part:
    """How much of the two large sources is delivered.

    Args:
        files: Names of their files without ending; those of other sources are delivered whole.
        anomaly_count: Hours of the delivered authorities that their publisher calls anomalous; missing ones aside.
    """

    files: dict[str, tuple[str, ...]]
    anomaly_count: int


HALF = Part(
    {
        "eia930_load": ("DUK", "HST", "ISNE", "NSB", "NYIS", "SCL", "WALC"),
        "pge_outages": ("outage_events_2020", "outage_events_2021H1"),
    },
    2_395,
)
WHOLE = Part({}, 2_868)
HEADLINES = (
    ("load_forecast", "all", "mape"),
    ("load_forecast", "VIC", "mape"),
    ("outage_risk", "PGE", "auc"),
    ("outage_risk", "PGE", "poisson_skill"),
    ("scada_anomaly", "gics", "auc"),
)
Real = tuple[Home, dict[str, Any]]


@pytest.fixture(scope="module", params=[HALF, pytest.param(WHOLE, marks=pytest.mark.full)], ids=["half", "whole"])
def part(request: pytest.FixtureRequest) -> Part:
    given: Part = request.param
    return given


@pytest.fixture(scope="module")
def real(
    part: Part,
    prefect_server: PrefectServer,
    tmp_path_factory: pytest.TempPathFactory,
    with_read_project: Callable[[Path], Path],
) -> Real:
    """A utility fed by the public data sets alone, after its first run."""
    home = Home(with_read_project(tmp_path_factory.mktemp("real")), prefect_server)
    inbox = home.path / "inbox"
    inbox.mkdir()
    for name in SOURCES:
        if name not in part.files:
            (inbox / name).symlink_to(SHARED_DATA / name)
            continue
        (inbox / name).mkdir()
        for file in part.files[name]:
            shutil.copy(SHARED_DATA / name / f"{file}.parquet", inbox / name)
    (inbox / "scada_mms_incidents").symlink_to(CHECKOUT / "data" / "sample")
    summary = complete(home.json("run"))
    return home, summary


def figures(home: Home, use_case: str) -> list[dict[str, Any]]:
    """Out-of-time figures of the latest version of a model, as the ledger holds them."""
    (row,) = home.query(
        f"select metrics from lineage.model_version where model_name = '{use_case}' order by created_at desc limit 1"
    )
    found: list[dict[str, Any]] = json.loads(row["metrics"])
    return found


def test_what_no_source_feeds_is_skipped_with_its_reason(real: Real) -> None:
    _, summary = real

    assert "ml/transformer_failure_model" in summary["skipped"]
    assert all(reason for reason in summary["skipped"].values())


def test_rows_are_conserved_for_every_real_load(real: Real) -> None:
    home, _ = real
    rows = home.json("audit", "query", "row_conservation")

    counted = {row["_load_id"] for row in rows}
    loads = home.query("select source, load_id from lineage.load")
    assert {load["source"] for load in loads if load["load_id"] in counted} >= set(SOURCES)
    assert all(
        row["row_count_in"] == row["row_count_clean"] + row["row_count_quarantined"] + row["row_count_duplicate"]
        for row in rows
    )


@pytest.mark.parametrize(("use_case", "series_id", "metric"), HEADLINES)
def test_models_beat_their_baselines_on_real_data(real: Real, use_case: str, series_id: str, metric: str) -> None:
    home, _ = real
    matching = [
        row for row in figures(home, use_case) if row["metric"] == metric and row["series_id"].startswith(series_id)
    ]

    assert matching, sorted({(row["series_id"], row["metric"]) for row in figures(home, use_case)})
    is_lower_better = metric == "mape"
    for row in matching:
        gain = row["baseline"] - row["value"] if is_lower_better else row["value"] - row["baseline"]
        assert gain > 0, row


def test_the_rules_find_what_publishers_say_is_wrong(real: Real, part: Part) -> None:
    home, _ = real
    figures = {(row["data_set"], row["rule"]): row for row in home.json("quality", "check-rules")["figures"]}

    anomalies = figures["eia930 all series", "anomalous hours, MISSING aside"]
    assert anomalies["precision"] >= 0.95
    assert anomalies["recall"] >= 0.90
    assert anomalies["known_count"] == part.anomaly_count
    imputed = [row for (data_set, _), row in figures.items() if data_set == "imputation EIA930"]
    assert len(imputed) == 4
    assert all(row["error_pct"] <= 4.0 < row["baseline_pct"] for row in imputed)
    wind = figures["nyc_hourly_weather", "absurd wind (delivered: above 114 m/s)"]
    assert (wind["known_count"], wind["found_count"]) == (1, 1)
    assert wind["note"].startswith("0 of these values used")
    assert figures["nyc_hourly_weather", "repeated autumn hour, kept as two instants"]["found_count"] == 3
    missing = figures["nyc_hourly_weather", "missing station-hours"]
    assert (missing["recall"], missing["precision"]) == (1.0, 1.0)
    assert missing["note"].endswith("165 in all")
    for rule in ("re-used outage numbers", "first seen before it started"):
        assert (figures["pge_outages", rule]["recall"], figures["pge_outages", rule]["precision"]) == (1.0, 1.0)
    assert figures["eaglei_cook_county", "filled forward, not measured"]["flagged_count"] > 1_000
