"""From a run of the small utility to the systems that act on it (RELIABILITY O3, O8, S8, and the hook of a run)."""

from __future__ import annotations

import json
import os
import pwd
from pathlib import Path
from typing import Any

import pytest

from flows.settings import get_settings
from tests.conftest import free_port
from tests.e2e.conftest import complete
from tests.e2e.homes import Home

pytestmark = pytest.mark.slow

CANARY = "canary-8f1c-secret"


def outgoing(home: Home) -> dict[str, int]:
    """Files handed over, with when each was written."""
    folder = home.path / "outgoing"
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns for path in sorted(folder.rglob("*")) if path.is_file()
    }


def states(home: Home) -> dict[str, set[str]]:
    """States of messages by kind, as the published ledger shows them."""
    rows = home.query("select distinct message_type, state from lineage.outbox_message")
    return {
        kind: {row["state"] for row in rows if row["message_type"] == kind}
        for kind in {row["message_type"] for row in rows}
    }


def test_a_run_hands_over_what_may_go_by_itself_and_accounts_for_every_score(
    tiny: tuple[Home, dict[str, Any]],
) -> None:
    home, summary = tiny

    files = outgoing(home)

    assert any("wait for approval" in note for note in summary["notes"])
    assert home.query("select * from lineage.alert where kind = 'score_unexplained'") == []
    crews = [name for name in files if name.startswith("dispatch/crew_assignment/")]
    planned = home.query("select count(*) as n from reports.rpt_crew_plan where not is_low_confidence")[0]["n"]
    assert len(crews) == planned > 0
    doubtful = home.query("select bool_or(is_low_confidence) as d from reports.rpt_work_orders")[0]["d"]
    assert ("WAITING_APPROVAL" in states(home)["work_request"]) == doubtful
    assert states(home)["market_bid"] == states(home)["voltage_schedule"] == {"WAITING_APPROVAL"}
    body = json.loads((home.path / "outgoing" / crews[0]).read_text(encoding="utf-8"))
    key = body["Header"]["IdempotencyKey"]
    made = home.query(
        "select m.asset_key from lineage.outbox_message o join lineage.materialization m"
        f" on m.materialization_id = o.materialization_id where o.idempotency_key = '{key}'"
    )
    assert made == [{"asset_key": "reports/rpt_crew_plan"}]
    code, _ = home.call("outbox", "reconcile")
    assert code == 0


def test_a_second_run_sends_nothing_again_and_an_approval_sends_the_rest(tiny_copy: Home) -> None:
    home, before = tiny_copy, outgoing(tiny_copy)

    complete(home.json("run"))
    again = outgoing(home)
    approved = home.json("outbox", "approve", "--all-of", "voltage_schedule")
    after = outgoing(home)

    assert again == before
    assert states(home)["voltage_schedule"] == {"SENT"}
    new = set(after) - set(before)
    assert len(new) == approved["approved"] > 0
    assert all(name.startswith("volt_var/voltage_schedule/") for name in new)
    (sent, *_) = home.json("outbox", "list", "--state", "SENT", "--target", "volt_var")["messages"]
    shown = home.json("outbox", "show", sent["message_id"][:13])
    assert pwd.getpwuid(os.getuid()).pw_name in {each["actor"] for each in shown["history"]}
    assert home.json("audit", "verify")["ok"]


def test_a_message_is_dropped_with_a_reason_and_stays_so(tiny_copy: Home) -> None:
    home = tiny_copy
    (bid, *_) = home.json("outbox", "list", "--target", "market")["messages"]

    code, _ = home.call("outbox", "drop", bid["message_id"], "--reason", "market is closed")
    complete(home.json("run"))

    assert code == 0
    assert home.json("outbox", "show", bid["message_id"])["state_reason"] == "market is closed"
    suppressed = [each for each in home.json("outbox", "reconcile")["accounts"] if each["account"] == "suppressed"]
    assert [(each["message_type"], each["scores"]) for each in suppressed] == [("market_bid", 1)]
    assert home.call("outbox", "drop", bid["message_id"], "--reason", " ")[0] == 2


def test_systems_that_are_down_are_notes_and_their_secrets_are_seen_nowhere(
    tiny_copy: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    home, targets = tiny_copy, tmp_path / "targets"
    targets.mkdir()
    url = f"http://127.0.0.1:{free_port()}/orders"
    (targets / "crews.yml").write_text(
        "{name: crews, description: Crews., owner: operations, messages: [crew_assignment],"
        f" system: {{kind: http, url: '{url}', token: {{env: CREWS_TOKEN}}}}}}",
        encoding="utf-8",
    )
    monkeypatch.setenv("GRIDWEAVE_TARGETS_DIR", str(targets))
    monkeypatch.setenv("CREWS_TOKEN", CANARY)
    monkeypatch.setenv("GRIDWEAVE_OPENLINEAGE_URL", f"http://127.0.0.1:{free_port()}")
    monkeypatch.setenv("GRIDWEAVE_OPENLINEAGE_API_KEY", CANARY)
    monkeypatch.setenv("GRIDWEAVE_ALERT_URLS", json.dumps([f"json://operator:{CANARY}@127.0.0.1:{free_port()}/alerts"]))
    monkeypatch.setenv("GRIDWEAVE_ALERT_LEAST_SEVERITY", "WARNING")

    summary = complete(home.json("run"))
    code, printed = home.call("outbox", "deliver")

    assert any("crews" in note and "its messages wait" in note for note in summary["notes"])
    assert code == 1
    assert CANARY not in printed + json.dumps(summary) + caplog.text
    for path in home.path.rglob("*"):
        if path.is_file():
            assert CANARY.encode() not in path.read_bytes(), path
    assert home.json("outbox", "list", "--target", "crews")["messages"]


def test_a_wrong_description_fails_no_run(tiny_copy: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "bad.yml").write_text("name: bad", encoding="utf-8")
    monkeypatch.setenv("GRIDWEAVE_TARGETS_DIR", str(tmp_path))

    summary = complete(tiny_copy.json("run"))

    assert [note for note in summary["notes"] if "bad.yml is wrong" in note]


def test_the_schedule_sends_what_a_run_could_not(
    tiny_copy: Home, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flows.pipelines.deliver import deliver

    home, in_the_way = tiny_copy, tmp_path / "drop"
    in_the_way.write_text("a file where the folder should be", encoding="utf-8")
    targets = tmp_path / "targets"
    targets.mkdir()
    (targets / "crews.yml").write_text(
        "{name: crews, description: Crews., owner: operations, messages: [crew_assignment],"
        f" retry: {{base_seconds: 0.2, max_seconds: 0.2}}, system: {{kind: file, folder: '{in_the_way}'}}}}",
        encoding="utf-8",
    )
    monkeypatch.setenv("GRIDWEAVE_TARGETS_DIR", str(targets))
    complete(home.json("run"))
    in_the_way.unlink()
    for name, value in home.environment.items():
        monkeypatch.setenv(name, value)
    get_settings.cache_clear()

    sent, idle = deliver.fn(), deliver.fn()
    get_settings.cache_clear()

    assert sent.name == "Completed"
    assert idle.name == "Idle"
    assert len(list((in_the_way / "crew_assignment").iterdir())) > 0
    assert not [
        each for each in home.json("outbox", "list", "--target", "crews")["messages"] if each["state"] == "QUEUED"
    ]
