"""A trained model takes over only when it wins on later days, and the ledger has the reason either way."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from flows.assets.definition import asset
from flows.engine.steps.context import StepContext
from flows.warehouse.reader import open_reader
from ml.paired_losses import PairedLosses
from ml.training import MetricRow, TrainedModel
from tests.flows.engine.python_project import pipeline_of

pytestmark = pytest.mark.slow

FIRST_DAY, DAYS = datetime(2026, 3, 1, tzinfo=UTC), 20


@dataclass
class Training:
    """What the next training makes, and what comparing it gives."""

    level: float = 0.0
    has_figure: bool = True
    losses: PairedLosses | Exception = field(default_factory=lambda: KeyError("level_mw"))
    compared: list[tuple[dict[str, Any], datetime]] = field(default_factory=list)


NEXT = Training()


def begin(home: Path, **facts: Any) -> None:
    """Make the first champion, which says 1."""
    vars(NEXT).update(vars(Training(level=1.0, **facts)))
    assert pipeline_of(home, peaks_model).run().status == "COMPLETE"


@asset("ml/peaks_model", kind="model", deps=(), owner="planning", group="hosting")
def peaks_model(context: StepContext) -> None:
    """A model that says one number."""
    context.write_model(_trained(), compare=_compare)


def _trained() -> TrainedModel:
    row = MetricRow(
        series_id="all",
        metric="mae",
        unit="MW",
        value=NEXT.level,
        baseline=10.0,
        incumbent=None,
        train_from=FIRST_DAY,
        train_to=FIRST_DAY,
        test_from=FIRST_DAY,
        test_to=FIRST_DAY,
        n=1,
    )
    return TrainedModel(
        use_case="load_forecast",
        estimator_name="one number",
        model={"level": NEXT.level},
        serializer="json",
        feature_columns=(),
        hyperparameters={},
        metrics=(row,) if NEXT.has_figure else (),
        headline_metric="mae",
        is_higher_better=False,
        backtest_scores=pd.DataFrame({"level": [NEXT.level]}),
        random_seed=0,
    )


def _compare(champion: Mapping[str, Any], _scores: pd.DataFrame, seen_to: datetime) -> PairedLosses:
    NEXT.compared.append((dict(champion), seen_to))
    if isinstance(NEXT.losses, Exception):
        raise NEXT.losses
    return NEXT.losses


def gain_of(share: float) -> PairedLosses:
    noise = np.random.default_rng(3).normal(0, 0.02, DAYS)
    return PairedLosses(challenger=1 - share + noise, champion=np.ones(DAYS))


def train(home: Path, level: float, losses: PairedLosses | Exception) -> tuple[float, str]:
    """Train with other code; return what the champion says then, and why it is champion or stayed it."""
    NEXT.level, NEXT.losses, NEXT.has_figure = level, losses, True
    project = pipeline_of(home, replace(peaks_model, code_version=f"says {level}"))
    summary = project.run()
    assert summary.materialized == ["ml/peaks_model"], summary.as_json()
    champion = project.registry().champion("load_forecast")
    assert champion is not None
    with open_reader(project.settings.published_dir) as reader:
        row = reader.execute("select metadata->>'reason' from lineage.current_materialization").fetchone()
    assert row is not None
    return float(project.registry().load("load_forecast", champion.version)["level"]), str(row[0])


def test_the_winner_on_later_days_takes_over(tmp_path: Path) -> None:
    begin(tmp_path)

    level, reason = train(tmp_path, 2.0, gain_of(0.1))

    assert level == 2.0, "its own figure is worse, but it is of other days"
    assert "lower than that of version 1 on 20 later stretches" in reason
    assert NEXT.compared == [({"level": 1.0}, FIRST_DAY)]


def test_without_a_clear_win_the_champion_stays_and_the_reason_says_so(tmp_path: Path) -> None:
    begin(tmp_path)

    level, reason = train(tmp_path, 0.5, gain_of(0.0))

    assert level == 1.0
    assert reason.startswith("version 1 stays champion")
    assert reason.endswith("no clear win")


@pytest.mark.parametrize(
    "failure", [KeyError("level_mw"), AttributeError("no attribute level_mw"), ValueError("3 features, not 4")]
)
def test_a_champion_of_other_code_is_judged_by_its_own_days_and_the_reason_says_so(
    tmp_path: Path, failure: Exception
) -> None:
    begin(tmp_path)

    level, reason = train(tmp_path, 0.5, failure)

    assert level == 0.5
    assert reason.endswith(f"; version 1 cannot be compared: {type(failure).__name__}: {failure}")


def test_a_champion_without_any_figure_does_not_stop_a_training(tmp_path: Path) -> None:
    begin(tmp_path, has_figure=False)

    level, reason = train(tmp_path, 0.5, gain_of(0.0))

    assert level == 0.5
    assert "version 1 cannot be compared" in reason
    assert not NEXT.compared
