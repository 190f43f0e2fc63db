"""What holds for every use case: one seed, one artefact; and an entity scored alone scores as in the batch."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pandas as pd
import pytest

from ml.artifacts import MODEL_FILE_NAMES, write_artifacts
from ml.load_forecast import score as load_scoring
from ml.load_forecast import train as load_training
from ml.outage_risk import score as outage_scoring
from ml.outage_risk import train as outage_training
from ml.scada_anomaly import score as scada_scoring
from ml.scada_anomaly import train as scada_training
from ml.top_oil import score as oil_scoring
from ml.top_oil import train as oil_training
from ml.transformer_failure import score as failure_scoring
from ml.transformer_failure import train as failure_training
from ml.transformer_failure.config import TransformerFailureConfig
from ml.transformer_health import score as health_scoring
from ml.transformer_health import train as health_training
from ml.transformer_health.config import TransformerHealthConfig
from tests.ml.load_forecast import conftest as load_frames
from tests.ml.outage_risk import conftest as outage_frames
from tests.ml.scada_anomaly import conftest as scada_frames
from tests.ml.top_oil import conftest as oil_frames
from tests.ml.transformer_health import conftest as health_frames

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path
    from typing import Any

    from ml.training import TrainedModel

pytestmark = pytest.mark.slow

make_feeders, make_horizon = load_frames.make_feeders, load_frames.make_horizon
make_inputs = outage_frames.make_inputs
make_capture = scada_frames.make_capture
make_units = oil_frames.make_units
make_samples = health_frames.make_samples

HEALTH = TransformerHealthConfig()
SMALL_HEALTH = replace(HEALTH, candidates=HEALTH.candidates[:2], tree_count=20, search_tree_count=10)
SMALL_FAILURE = TransformerFailureConfig(tree_count=30)


@dataclass(frozen=True)
class Case:
    """A use case on made-up frames.

    Args:
        train: Trains on them.
        score: Scores the rows of some entities; of all when None.
        entity: Column of the entity in the scores.
        entities: Some of them.
    """

    train: Callable[[], TrainedModel]
    score: Callable[[Mapping[str, Any], object], pd.DataFrame]
    entity: str
    entities: Sequence[object]


def _chosen(frame: pd.DataFrame, column: str, wanted: object) -> pd.DataFrame:
    return frame if wanted is None else frame[frame[column] == wanted]


@pytest.fixture
def transformer_failure(fleet: pd.DataFrame) -> Case:
    live = fleet[fleet["is_live"]]
    return Case(
        lambda: failure_training.train(fleet, config=SMALL_FAILURE),
        lambda model, wanted: failure_scoring.score(model, _chosen(live, "asset_id", wanted)),
        "asset_id",
        live["asset_id"].iloc[:3].tolist(),
    )


@pytest.fixture
def transformer_health(make_samples: Callable[..., pd.DataFrame]) -> Case:
    samples = make_samples(80)
    return Case(
        lambda: health_training.train(samples, config=SMALL_HEALTH),
        lambda model, wanted: health_scoring.score(model, _chosen(samples, "sample_id", wanted)),
        "sample_id",
        ["S003", "S040", "S079"],
    )


@pytest.fixture
def top_oil(make_units: Callable[..., pd.DataFrame]) -> Case:
    units = make_units(3, 60)
    return Case(
        lambda: oil_training.train(units),
        lambda model, wanted: oil_scoring.score(model, _chosen(units, "asset_id", wanted)),
        "asset_id",
        ["T0", "T2"],
    )


@pytest.fixture
def load_forecast(
    make_feeders: Callable[..., pd.DataFrame], make_horizon: Callable[[pd.DataFrame], pd.DataFrame]
) -> Case:
    hourly = make_feeders(100, ("F1", "F2"))
    horizon = make_horizon(hourly)
    return Case(
        lambda: load_training.train(hourly),
        lambda model, wanted: load_scoring.score(
            model, _chosen(hourly, "series_id", wanted), _chosen(horizon, "series_id", wanted)
        ),
        "series_id",
        ["F1", "F2"],
    )


@pytest.fixture
def outage_risk(make_inputs: Callable[..., outage_frames.Inputs]) -> Case:
    inputs = make_inputs()
    feeders = sorted(inputs.features["feeder_id"].unique())

    def score(model: Mapping[str, Any], wanted: object) -> pd.DataFrame:
        # the other feeders' days tell when the feed was alive; only what is scored is alone
        is_wanted = True if wanted is None else inputs.features["feeder_id"] == wanted
        features = inputs.features[~inputs.features["is_live"].astype(bool) | is_wanted]
        return outage_scoring.score(model, features, *inputs.frames[1:])

    return Case(lambda: outage_training.train(*inputs.frames), score, "feeder_id", feeders[:2])


@pytest.fixture
def scada_anomaly(make_capture: Callable[..., scada_frames.Traffic]) -> Case:
    traffic = make_capture("tap", hostile=(150, 151, 152))
    minutes = sorted(traffic.windows["window_start_at"].unique())
    return Case(
        lambda: scada_training.train(traffic.windows, traffic.symbols),
        lambda model, wanted: scada_scoring.score(
            model,
            _chosen(traffic.windows, "window_start_at", wanted),
            _chosen(traffic.symbols, "window_start_at", wanted),
        ),
        "window_start_at",
        [minutes[3], minutes[151]],
    )


USE_CASES = ("transformer_failure", "transformer_health", "top_oil", "load_forecast", "outage_risk", "scada_anomaly")


@pytest.fixture(params=USE_CASES)
def case(request: pytest.FixtureRequest) -> Case:
    found: Case = request.getfixturevalue(request.param)
    return found


def test_one_seed_gives_one_artefact_and_one_row_scores_as_in_the_batch(case: Case, tmp_path: Path) -> None:
    trained = case.train()

    hashes = [_model_hash(each, tmp_path / str(place)) for place, each in enumerate((trained, case.train()))]
    batch = case.score(trained.model, None)

    assert hashes[0] == hashes[1]
    for entity in case.entities:
        alone = case.score(trained.model, entity)
        same = batch[batch[case.entity] == entity].reset_index(drop=True)
        assert len(alone) > 0
        pd.testing.assert_frame_equal(alone.reset_index(drop=True), same, check_exact=False, rtol=0, atol=1e-9)


def _model_hash(trained: TrainedModel, folder: Path) -> str:
    folder.mkdir()
    return write_artifacts(trained, folder)[MODEL_FILE_NAMES[trained.serializer]]
