"""A storm from the forecast to the dispatch centre's acknowledgement, by the deployments that do it in operation."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest

from flows.settings import Settings

if TYPE_CHECKING:
    from tests.e2e.homes import Home

pytestmark = pytest.mark.slow


def test_a_storm_is_followed_to_the_dispatch_centre(tiny_copy: Home) -> None:
    before = {row["network_id"]: row["peak"] for row in peaks(tiny_copy)}

    code, printed = tiny_copy.call("demo", "--storm")

    assert code == 0, printed
    told = ("landed as load", "severe weather told: gusts to 34.0 m/s", "complete after", "Storm list", "Crew plan")
    assert [each for each in told if each not in printed] == []
    sent, made = map(int, re.search(r"acknowledged (\d+) of (\d+) crew assignments", printed).groups())  # type: ignore[union-attr] # fails then
    acted, requests = map(int, re.search(r"acted on (\d+) messages in (\d+)", printed).groups())  # type: ignore[union-attr] # fails then
    assert 0 < sent == made <= acted == requests
    plan = tiny_copy.query("select count(*) as n from reports.rpt_crew_plan")[0]["n"]
    states = tiny_copy.query(
        "select state, count(*) as n from lineage.outbox_message where target = 'storm_dispatch' group by state"
    )
    assert states == [{"state": "SENT", "n": plan}]
    after = {row["network_id"]: row["peak"] for row in peaks(tiny_copy)}
    assert after.keys() == before.keys()
    assert max(after.values()) > Settings().severe_gust_mps > max(before.values())
    runs = tiny_copy.query("select trigger, status from lineage.run where trigger = 'event' and run_kind = 'flow'")
    assert {row["status"] for row in runs} == {"COMPLETE"}
    assert tiny_copy.call("audit", "verify")[0] == 0
    assert not (tiny_copy.path / "prefect" / "schedules.ready").exists()


def peaks(home: Home) -> list[dict[str, float]]:
    """Highest gust the storm list knows of, by network."""
    return home.query(
        "select network_id, max(peak_gust_forecast_mps) as peak from reports.rpt_storm_priority group by network_id"
    )
