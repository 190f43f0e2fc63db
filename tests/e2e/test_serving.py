"""The scoring API on what a whole run published: its scores are those of the run, and a promotion reaches it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.e2e.homes import Home
from tests.ml.serving.conftest import running

pytestmark = pytest.mark.slow


def _published(home: Home, table: str) -> list[dict[str, Any]]:
    return home.query(
        f"select * from {table} where score_kind = 'live' qualify scored_at = max(scored_at) over () order by all"
    )


@pytest.mark.parametrize(
    ("table", "route", "entity", "figures"),
    [
        pytest.param(
            "ml.transformer_failure_scores",
            "transformer-failure",
            "asset_id",
            ("failure_probability", "failure_probability_low", "failure_probability_high", "missing_feature_share"),
            id="transformer failure",
        ),
        pytest.param(
            "ml.outage_risk_scores",
            "outage-risk",
            "feeder_id",
            ("outage_probability", "expected_outage_count", "expected_customers_out", "missing_feature_share"),
            id="outage risk",
        ),
    ],
)
def test_what_a_run_published_is_scored_the_same_by_name(
    tiny_copy: Home, table: str, route: str, entity: str, figures: tuple[str, ...]
) -> None:
    rows = _published(tiny_copy, table)
    names = sorted({row[entity] for row in rows})

    with running(tiny_copy.path) as api, api.client() as client:
        answer = client.post(f"/v1/{route}/score", json={f"{entity}s": names})
        ready = client.get("/ready").json()

    content = answer.json()
    assert answer.status_code == 200, content
    assert ready["degraded"] is False
    assert (content["source"], content["model_version"]) == ("model", rows[0]["model_version"])

    def key(row: dict[str, Any]) -> tuple[str, str]:
        return row[entity], row.get("outage_date") or ""

    said, batch = sorted(content["scores"], key=key), sorted(rows, key=key)
    for figure in figures:
        np.testing.assert_allclose(
            [row[figure] for row in said], [row[figure] for row in batch], rtol=0, atol=1e-9, err_msg=figure
        )


def test_every_published_number_leads_to_its_files(tiny_copy: Home) -> None:
    asset = _published(tiny_copy, "ml.transformer_failure_scores")[0]["asset_id"]

    with running(tiny_copy.path) as api, api.client() as client:
        score = client.get(f"/v1/transformer-failure/{asset}").json()
        behind = client.get(f"/v1/lineage/{score['materialization_id']}").json()

    assert behind["asset_key"] == "ml/transformer_failure_scores"
    assert any(entry["file_sha256"] for entry in behind["entries"])
    assert any(entry["model_sha256"] for entry in behind["entries"])
