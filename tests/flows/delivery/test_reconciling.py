"""Each score over its threshold is accounted for, or named (RELIABILITY O8)."""

from __future__ import annotations

from pathlib import Path

import pytest

from flows.delivery.message_types import MESSAGE_TYPES
from flows.delivery.reconciling import Reconciliation, read_thresholds, reconcile
from flows.errors import ConfigurationError
from tests.conftest import CHECKOUT
from tests.flows.delivery.utility import NOW, Utility, target

EAM = target()
SCORES = """
create table ml.transformer_failure_scores (
  network_id varchar, asset_id varchar, valid_at timestamptz, score_kind varchar, failure_probability double,
  materialization_id varchar, scored_at timestamptz)
"""


@pytest.fixture
def scored(grid: Utility) -> Utility:
    """A fleet of which T1 and T2 are over the threshold; their orders are queued."""
    grid.sql(SCORES)
    score(grid, "old", T9=0.9)
    grid.clock.pass_(days=1)
    score(grid, "new", T1=0.9, T2=0.4, T3=0.0001, **{f"S{each}": 0.0 for each in range(20)})
    grid.sql("insert into ml.transformer_failure_scores values ('N', 'T8', ?, 'backtest', 0.9, 'new', ?)", NOW, NOW)
    grid.orders("T1", "T2")
    grid.make(EAM)
    return grid


def score(grid: Utility, materialization_id: str, **probabilities: float) -> None:
    for asset, probability in probabilities.items():
        grid.sql(
            "insert into ml.transformer_failure_scores values ('N', ?, ?, 'live', ?, ?, ?)",
            asset, grid.clock.now, probability, materialization_id, grid.clock.now,
        )  # fmt: skip


def account(grid: Utility, *targets: object) -> Reconciliation:
    described = {"eam": EAM} if not targets else {}
    return reconcile(grid.warehouse.cursor(), described, transform_dir=CHECKOUT / "transform")


def accounts(grid: Utility) -> dict[str, int]:
    return {each["account"]: each["scores"] for each in account(grid).accounts}


def unexplained(grid: Utility) -> list[tuple[str, str]]:
    return [(each["business_key"], each["found"]) for each in account(grid).unexplained]


def test_what_is_queued_sent_dead_or_dropped_with_a_reason_is_accounted_for(scored: Utility) -> None:
    assert accounts(scored) == {"queued": 2}

    scored.deliver(EAM)
    assert accounts(scored) == {"sent": 2}

    scored.orders("T1", "T2", priority=1)
    scored.make(EAM)
    scored.decide().drop([scored.messages("message_id::varchar")[-1][0]], reason="is being replaced")
    assert accounts(scored) == {"queued": 1, "suppressed": 1}
    assert unexplained(scored) == []


def test_a_score_that_the_report_lost_is_named(scored: Utility) -> None:
    score(scored, "new", T4=0.5)

    assert unexplained(scored) == [("N/T4", "no message was ever made")]


def test_an_order_that_was_cancelled_though_its_score_is_high_is_named(scored: Utility) -> None:
    scored.deliver(EAM)
    scored.orders("T1")
    scored.make(EAM)
    scored.deliver(EAM)

    assert unexplained(scored) == [("N/T2", "cancel SENT")]


def test_a_row_that_was_taken_out_of_the_outbox_is_named(scored: Utility) -> None:
    scored.sql("delete from lineage.outbox_message where business_key = 'N/T1'")

    assert [key for key, _ in unexplained(scored)] == ["N/T1"]


def test_the_worst_of_a_sound_fleet_call_for_a_message_as_they_are_on_the_list(grid: Utility) -> None:
    share = read_thresholds(CHECKOUT / "transform")["work_order_fleet_share"]
    grid.sql(SCORES)
    score(grid, "new", **{f"T{each:03}": 0.0001 * each for each in range(101)})

    assert len(unexplained(grid)) == int(share * 100) + 1


def test_kinds_that_no_target_takes_are_said(grid: Utility) -> None:
    assert account(grid, "none").unasked == list(MESSAGE_TYPES)


def test_a_project_without_its_thresholds_is_refused(tmp_path: Path) -> None:
    (tmp_path / "dbt_project.yml").write_text("vars: {raised_failure_probability: 0.1}", encoding="utf-8")

    with pytest.raises(ConfigurationError, match="work_order_fleet_share"):
        read_thresholds(tmp_path)
