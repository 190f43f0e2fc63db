"""A score is made again by the recorded model from the rows behind it, or the answer says why not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from flows.engine.explaining.rescoring import NotRecomputableError, recorded_model
from tests.flows.engine.explaining.small_project import SmallProject

pytestmark = pytest.mark.slow

TOTALS = "select feeder_id, sum(load_kw)::double as load_kwh from staging.stg_loads group by feeder_id"
SCORES = """
    select feeder_id, load_kwh * 2 as risk, case when feeder_id = 'F3' then 'backtest' else 'live' end as score_kind,
        '' as materialization_id
    from features.feat_totals
"""
MODEL = json.dumps({"factor": 2.0})
URI = "run1/artifacts/model"
RECORDED = """
    update ml.scores set materialization_id = (
        select materialization_id::varchar from lineage.materialization where asset_key = 'ml/scores');
    insert into lineage.materialization (materialization_id, asset_key, run_id, code_version, data_version,
        logical_version, event_kind, metadata, valid_from, recorded_at)
    values ('00000000-0000-0000-0000-00000000000a', 'ml/totals_model', uuid(), '', 'm', 'm', 'MATERIALIZED',
        '{{"name": "totals", "model_version_id": "totals:1-ab"}}', now(), now());
    insert into lineage.materialization_input
        (materialization_id, input_materialization_id, upstream_key, upstream_data_version)
    select materialization_id, '00000000-0000-0000-0000-00000000000a', 'ml/totals_model', 'm'
    from lineage.materialization where asset_key = 'ml/scores';
    update lineage.materialization set metadata = '{{"model_version": "1-ab"}}' where asset_key = 'ml/scores';
    insert into lineage.model_version (model_version_id, model_name, artifact_uri, artifact_sha256, estimator,
        hyperparameters, feature_columns, metrics, training_materialization_id, run_id, created_at)
    values ('totals:1-ab', 'totals', '{uri}', '{sha256}', 'factor', '{{}}', '[]', '{{}}',
        '00000000-0000-0000-0000-00000000000a', uuid(), now());
"""


def score(context: Any) -> None:
    """Load by the model's factor."""
    champion, totals = context.read_champion("ml/totals_model"), context.read("features/feat_totals")
    frame = totals[["feeder_id"]].assign(risk=totals["load_kwh"] * champion.model["factor"], score_kind="live")
    context.write(frame, model_version=champion.registered.model_version)


def share(context: Any) -> None:
    """Fail on too few rows, as a step may that needs them all."""
    raise ValueError(f"{len(context.read('features/feat_totals'))} rows are too few")


def project(home: Path, *, afterwards: str = "", **facts: Any) -> SmallProject:
    folder = home / "mlflow" / "artifacts" / URI
    folder.mkdir(parents=True)
    (folder / "model.json").write_text(MODEL)
    definition = {"deps": ("features/feat_totals",), "step": score, "is_per_row": True, **facts}
    made = SmallProject(home, {"features/feat_totals": TOTALS}, {"ml/scores": SCORES}, {"ml/scores": definition})
    recorded = RECORDED.format(uri=URI, sha256=hashlib.sha256(MODEL.encode()).hexdigest())
    return made.publish(afterwards=f"{recorded} {afterwards}")


def rescoring(project: SmallProject, where: str = "feeder_id = 'F1'") -> dict[str, Any]:
    answer = project.why("ml.scores", where)
    assert answer["verification"]["ok"], answer["verification"]
    return dict(answer["rescoring"])


def test_a_score_is_made_again_from_its_own_rows(tmp_path: Path) -> None:
    found = rescoring(project(tmp_path))

    assert (found["status"], found["reason"]) == ("equal", "")
    assert (found["table"]["published_count"], found["table"]["recomputed_count"]) == (1, 1)
    columns = {each["column"]: each["equal_count"] for each in found["table"]["columns"]}
    assert columns == {"feeder_id": 1, "risk": 1, "score_kind": 1}


def test_a_score_that_was_changed_differs(tmp_path: Path) -> None:
    found = rescoring(project(tmp_path, afterwards="update ml.scores set risk = risk + 0.001;"))

    assert found["status"] == "differs"
    assert {each["column"]: each["differing_count"] for each in found["table"]["columns"]}["risk"] == 1


def test_a_row_that_nobody_scored_differs(tmp_path: Path) -> None:
    invented = "update ml.scores set feeder_id = 'F1', risk = 0 where feeder_id = 'F2';"

    found = rescoring(project(tmp_path, afterwards=invented))

    assert found["status"] == "differs"
    assert (found["table"]["published_count"], found["table"]["missing_count"]) == (2, 1)


def test_out_of_time_scores_of_the_training_are_left_out(tmp_path: Path) -> None:
    made = project(tmp_path)

    assert rescoring(made, "feeder_id in ('F1', 'F3')")["reason"].startswith("1 out-of-time scores")
    alone = rescoring(made, "feeder_id = 'F3'")
    assert (alone["status"], alone["table"]) == ("not recomputable", None)
    assert "out-of-time score" in alone["reason"]


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"is_per_row": False}, "from more than the rows behind it"),
        ({"step": None}, "from more than the rows behind it"),
        ({"code_version": "newer"}, "the checkout has other code"),
        ({"step": share}, "its step failed on these rows: 1 rows are too few"),
        ({"afterwards": "delete from lineage.model_version;"}, "names no model"),
    ],
    ids=["not row by row", "no step", "other code", "a step that fails", "no model"],
)
def test_what_cannot_be_made_again_says_why(tmp_path: Path, facts: dict[str, Any], reason: str) -> None:
    found = rescoring(project(tmp_path, **facts))

    assert found["status"] == "not recomputable"
    assert reason in found["reason"]


def test_only_the_recorded_model_scores(tmp_path: Path) -> None:
    made = project(tmp_path)
    path = tmp_path / "mlflow" / "artifacts" / URI / "model.json"
    path.write_text(json.dumps({"factor": 3.0}))

    changed = rescoring(made)
    path.unlink()
    gone = rescoring(made)

    assert (changed["status"], gone["status"]) == ("not recomputable", "not recomputable")
    assert "is not what was recorded" in changed["reason"]
    assert "is gone" in gone["reason"]


def test_a_file_put_beside_a_model_is_not_read_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "model.skops").write_bytes(b"recorded")
    (tmp_path / "model.json").write_text("{}")

    with pytest.raises(NotRecomputableError, match="not what was recorded"):
        recorded_model(tmp_path, hashlib.sha256(b"recorded").hexdigest())


def test_tables_that_are_no_scores_have_none(tmp_path: Path) -> None:
    assert project(tmp_path).why("features.feat_totals", "feeder_id = 'F1'")["rescoring"] is None
