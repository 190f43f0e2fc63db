"""A look at the end of everything that owns the warehouse, and one when a source falls silent while nothing runs."""

from __future__ import annotations

import json
import shutil
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

from flows.assets.graph import AssetGraph
from flows.delivery.alerts.book import alerts
from flows.delivery.alerts.raising import is_book_behind, raise_alerts
from flows.lineage.audit.checkpoints import bring_witness, write_checkpoint
from flows.lineage.audit.keys import open_signer
from flows.settings import Settings
from flows.warehouse.publish import publish_ledger
from flows.warehouse.warehouse import open_warehouse
from tests.flows.delivery.test_reconciling import SCORES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from flows.warehouse.warehouse import Warehouse

NOW = datetime(2026, 11, 27, 6, tzinfo=UTC)
HOUR = timedelta(hours=1)
SOURCE = "simulator_market"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def warehouse(settings: Settings) -> Iterator[Warehouse]:
    with open_warehouse(settings.warehouse_path) as opened:
        opened.cursor().execute(
            "insert into lineage.delivered_file"
            " values (?, 'hash', 'a.csv', 1, 'L', 'LANDED', null, null, null, '', uuid(), ?, null)",
            [SOURCE, NOW],
        )
        yield opened


def look(warehouse: Warehouse, settings: Settings, *, at: datetime = NOW) -> list[tuple[str, str]]:
    raise_alerts(warehouse, settings, AssetGraph([]), run_id=uuid4(), clock=lambda: at)
    publish_ledger(warehouse.cursor(), folder=settings.published_dir)
    return [(each["kind"], each["severity"]) for each in alerts(warehouse.cursor())]


def test_a_source_that_fell_silent_is_noticed_while_nothing_runs(warehouse: Warehouse, settings: Settings) -> None:
    assert look(warehouse, settings) == []
    late = NOW + 2_000 * HOUR

    assert not is_book_behind(settings, AssetGraph([]), now=NOW)
    assert is_book_behind(settings, AssetGraph([]), now=late)
    assert look(warehouse, settings, at=late) == [("source_late", "ERROR")]
    assert not is_book_behind(settings, AssetGraph([]), now=late)


def test_a_chain_whose_end_was_cut_off_is_critical(warehouse: Warehouse, settings: Settings) -> None:
    look(warehouse, settings, at=NOW + 2_000 * HOUR)  # an alert, and so an entry
    with warehouse.transaction() as cursor:
        signer = open_signer(settings.audit_dir, None)
        write_checkpoint(cursor, signer, settings.audit_dir, witness=None, anchored_at=NOW)
    cursor = warehouse.cursor()
    cursor.execute("drop trigger audit_no_delete on lineage.audit_log")
    cursor.execute("delete from lineage.audit_log where seq = (select max(seq) from lineage.audit_log)")

    assert ("audit", "CRITICAL") in look(warehouse, settings, at=NOW + 2_000 * HOUR)


def test_a_witness_that_lacks_checkpoints_is_critical(warehouse: Warehouse, settings: Settings, tmp_path: Path) -> None:
    with warehouse.transaction() as cursor:
        write_checkpoint(
            cursor, open_signer(settings.audit_dir, None), settings.audit_dir, witness=None, anchored_at=NOW
        )
    watched = settings.model_copy(update={"audit_witness_path": tmp_path / "unmounted" / "witness.jsonl"})

    assert look(warehouse, watched) == [("audit", "CRITICAL")]
    bring_witness(settings.audit_dir, tmp_path / "unmounted" / "witness.jsonl")
    assert look(warehouse, watched) == []


def test_a_description_that_cannot_be_read_hides_no_other_problem(
    warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    for folder in ("targets", "sources"):
        shutil.copytree(getattr(settings, f"{folder}_dir"), tmp_path / folder)
    broken = settings.model_copy(update={"targets_dir": tmp_path / "targets", "sources_dir": tmp_path / "sources"})
    (tmp_path / "targets" / "eam.yml").write_text("name: eam", encoding="utf-8")
    (tmp_path / "sources" / f"{SOURCE}.yml").write_text("name: other", encoding="utf-8")
    warehouse.cursor().execute("insert into lineage.openlineage_refusal values (1, '400 bad producer', ?)", [NOW])

    found = look(warehouse, broken)

    assert found.count(("description_wrong", "ERROR")) == 2
    assert ("events_refused", "WARNING") in found
    assert not is_book_behind(broken, AssetGraph([]), now=NOW)


def test_a_secret_that_is_missing_is_told(warehouse: Warehouse, settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "targets").mkdir()
    target = {"name": "eam", "description": "EAM.", "owner": "works", "messages": ["work_request"]}
    system = {"kind": "http", "url": "https://eam.example", "token": {"file": str(tmp_path / "none")}}
    (tmp_path / "targets" / "eam.yml").write_text(json.dumps({**target, "system": system}), encoding="utf-8")
    asked = settings.model_copy(update={"targets_dir": tmp_path / "targets"})

    assert look(warehouse, asked) == [("description_wrong", "ERROR")]
    assert not is_book_behind(asked, AssetGraph([]), now=NOW)
    (tmp_path / "none").write_text("canary-secret\n", encoding="utf-8")
    assert is_book_behind(asked, AssetGraph([]), now=NOW)
    assert look(warehouse, asked) == []


def test_a_score_that_calls_for_a_message_nobody_made_is_told(
    warehouse: Warehouse, settings: Settings, tmp_path: Path
) -> None:
    (tmp_path / "targets").mkdir()
    target = {"name": "eam", "description": "EAM.", "owner": "works", "messages": ["work_request"]}
    (tmp_path / "targets" / "eam.yml").write_text(
        json.dumps({**target, "system": {"kind": "file", "folder": "drop"}}), encoding="utf-8"
    )
    asked = settings.model_copy(update={"targets_dir": tmp_path / "targets"})
    warehouse.cursor().execute(SCORES)
    warehouse.cursor().execute(
        "insert into ml.transformer_failure_scores values ('N', 'T1', ?, 'live', 0.9, 'm', ?)", [NOW, NOW]
    )

    found = look(warehouse, asked)
    (alert,) = alerts(warehouse.cursor())

    assert found == [("score_unexplained", "ERROR")]
    assert alert["message"].startswith("1 scores call for a work_request to eam that nobody made: N/T1")
    assert not is_book_behind(asked, AssetGraph([]), now=NOW)


def test_nothing_published_is_nothing_to_be_behind(tmp_path: Path) -> None:
    assert not is_book_behind(Settings(home=tmp_path / "new"), AssetGraph([]), now=NOW)
