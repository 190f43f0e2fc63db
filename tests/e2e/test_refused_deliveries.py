"""Deliveries that are wrong: blocked, quarantined or replaced by the last good load, as their source says."""

from __future__ import annotations

import gzip
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.settings import get_settings
from tests.e2e.homes import Home

pytestmark = pytest.mark.slow

PRICES = "simulator_market"


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def a_price_file(home: Home) -> Path:
    """One of the price files that were delivered before."""
    return min((home.path / "inbox" / PRICES).glob("*.csv"))


def deliver_useless_prices(home: Home) -> None:
    """Deliver a well-formed file whose every price is missing, later than the others."""
    header, *lines = a_price_file(home).read_text(encoding="utf-8").splitlines()
    columns = header.split(",")
    emptied = []
    for line in lines:
        cells = line.split(",")
        emptied.append(
            ",".join(cell if not column.endswith("LMP") else "" for column, cell in zip(columns, cells, strict=True))
        )
    target = home.path / "inbox" / PRICES / "prices_2031-01.csv"
    target.write_text("\n".join([header, *emptied]) + "\n", encoding="utf-8")


def deliver_malformed_prices(home: Home) -> None:
    """Deliver a file with an unclosed quote and a ragged row."""
    text = a_price_file(home).read_text(encoding="utf-8")
    target = home.path / "inbox" / PRICES / "prices_2031-02.csv"
    target.write_text(text + 'SYSTEM,"2031-02-01 01:00\n1,2,3,4,5,6,7,8,9\n', encoding="utf-8")


@pytest.fixture
def sources_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Copy the source descriptions, with other policies for the price feed."""

    def copy(**policies: str) -> None:
        folder = tmp_path / "sources"
        folder.mkdir()
        for path in get_settings().sources_dir.glob("*.yml"):
            document = yaml.safe_load(path.read_text(encoding="utf-8"))
            if path.stem == PRICES:
                document |= policies
            (folder / path.name).write_text(yaml.safe_dump(document), encoding="utf-8")
        monkeypatch.setenv("GRIDWEAVE_SOURCES_DIR", str(folder))

    return copy


def test_a_load_that_fails_its_gate_blocks_the_run_and_leaves_the_snapshot_alone(
    tiny_copy: Home, sources_with: Any
) -> None:
    sources_with(on_failure="block")
    before = sha256(tiny_copy.snapshot)
    deliver_useless_prices(tiny_copy)

    code, _ = tiny_copy.call("run")
    status = tiny_copy.json("status")

    assert code == 3
    assert sha256(tiny_copy.snapshot) == before
    assert [(each["source"], each["status"]) for each in status["refused"] if each["source"] == PRICES] == [
        (PRICES, "BLOCKED")
    ]
    observed = tiny_copy.query(
        "select count(*) as n from lineage.materialization m join lineage.check_result r using (materialization_id)"
        " where m.event_kind = 'OBSERVED' and m.asset_key = 'raw/market_prices' and r.blocking and r.status = 'FAIL'"
    )
    assert observed[0]["n"] >= 1


def test_a_blocked_load_stays_blocked_until_a_person_decides(tiny_copy: Home, sources_with: Any) -> None:
    sources_with(on_failure="block")
    deliver_useless_prices(tiny_copy)
    first = tiny_copy.json("run")
    second = tiny_copy.json("run")
    load = next(each for each in tiny_copy.json("loads") if each["status"] == "BLOCKED")
    raised = {each["kind"]: each for each in tiny_copy.json("alerts", "list") if each["severity"] == "ERROR"}
    assert raised.keys() == {"run_failed", "delivery_refused"}
    refused_id = raised["delivery_refused"]["alert_id"]
    acknowledged, _ = tiny_copy.call(
        "alerts", "acknowledge", refused_id[:8], "--note", "asked the market", "--by", "mona"
    )
    told = [json.loads(line) for line in (tiny_copy.path / "alerts.jsonl").read_text(encoding="utf-8").splitlines()]
    assert acknowledged == 0
    assert [each["state"] for each in told if each["alert_id"] == refused_id] == ["OPEN"]  # two runs met it

    code, _ = tiny_copy.call("loads", "--discard", load["reference"], "--reason", "empty export")
    third = tiny_copy.json("run")

    assert (first["status"], second["status"]) == ("BLOCKED", "BLOCKED")
    assert second["materialized"] == []
    assert code == 0
    assert third["status"] == "COMPLETE"
    assert third["materialized"] == []
    over = {
        each["kind"]: each["state"] for each in tiny_copy.json("alerts", "list", "--all") if each["severity"] == "ERROR"
    }
    assert over == {"run_failed": "RESOLVED", "delivery_refused": "RESOLVED"}
    assert "ERROR" not in {each["severity"] for each in tiny_copy.json("status")["alerts"]}
    assert tiny_copy.call("audit", "verify")[0] == 0


def test_a_quarantined_load_is_set_aside_and_the_run_goes_on(tiny_copy: Home, sources_with: Any) -> None:
    sources_with(on_failure="quarantine")
    before = tiny_copy.table_hashes()
    deliver_useless_prices(tiny_copy)

    summary = tiny_copy.json("run")

    assert summary["status"] == "COMPLETE"
    assert any("quarantined" in note for note in summary["notes"])
    assert tiny_copy.table_hashes() == before


def test_a_fallback_flags_every_row_that_stands_on_older_data(tiny_copy: Home, sources_with: Any) -> None:
    sources_with(on_failure="fallback")
    deliver_useless_prices(tiny_copy)

    summary = tiny_copy.json("run")
    flags = tiny_copy.query("select distinct is_fallback from marts.fct_market_price")
    untouched = tiny_copy.query("select distinct is_fallback from marts.fct_outage")

    assert summary["status"] == "COMPLETE"
    assert flags == [{"is_fallback": True}]
    assert untouched == [{"is_fallback": False}]


@pytest.mark.parametrize(("policy", "code"), [("block", 3), ("quarantine", 0)])
def test_a_malformed_file_is_named_with_row_and_reason(
    tiny_copy: Home, sources_with: Any, policy: str, code: int
) -> None:
    sources_with(on_reject=policy)
    before = tiny_copy.table_hashes()
    deliver_malformed_prices(tiny_copy)

    summary = tiny_copy.json("run")
    rejected = tiny_copy.query(
        "select file_name, defect_row, reason from lineage.delivered_file where status = 'REJECTED'"
    )

    assert {"COMPLETE": 0, "BLOCKED": 3}[summary["status"]] == code
    named = next(each for each in rejected if each["file_name"] == "prices_2031-02.csv")
    assert named["defect_row"]
    assert named["reason"]
    assert tiny_copy.table_hashes() == before


def test_the_same_content_under_another_name_is_landed_once(tiny_copy: Home) -> None:
    before = tiny_copy.table_hashes()
    original = a_price_file(tiny_copy)
    original.with_name("prices_renamed.csv").write_bytes(original.read_bytes())

    summary = tiny_copy.json("run")

    assert summary["materialized"] == []
    assert tiny_copy.table_hashes() == before


def test_a_truncated_gzip_is_rejected_whole(tiny_copy: Home, sources_with: Any) -> None:
    sources_with()
    whole = gzip.compress(b"".join(b"%d,x\n" % number for number in range(50_000)))
    target = tiny_copy.path / "inbox" / "simulator_oms" / "outages_2031-01.csv.gz"
    target.write_bytes(whole[: len(whole) // 2])

    summary = tiny_copy.json("run")

    rejected = tiny_copy.query("select reason from lineage.delivered_file where file_name = 'outages_2031-01.csv.gz'")
    assert len(rejected) == 1
    assert summary["status"] == "COMPLETE"
