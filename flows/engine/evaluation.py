"""Evaluating a use case out of time on what has been published.

What lives here: which published features each use case is tested on. What does not: the tests (ml/<use case>/train.py,
which measures every model it trains on a window it has not seen).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Protocol

from flows.errors import UsageError
from flows.warehouse.frames import read_frame
from flows.warehouse.identifiers import relation
from flows.warehouse.reader import open_reader

if TYPE_CHECKING:
    from datetime import datetime

    import pandas as pd

    from flows.settings import Settings
    from ml.training import MetricRow, TrainedModel

CHOSEN_WINDOW = ("load_forecast", "retraining")
JUDGED_STORMS = 8
"""Storms left out one at a time: the largest of a year, each a fit of seconds."""
Read = Callable[[str], "pd.DataFrame"]
"""Reads a published table by asset key."""


class Judged(Protocol):
    """Something with out-of-time figures: a trained model, or a rehearsal of training again and again."""

    @property
    def metrics(self) -> tuple[MetricRow, ...]:
        """The figures."""


def evaluate_use_case(
    settings: Settings,
    use_case: str,
    *,
    from_day: datetime | None = None,
    to_day: datetime | None = None,
) -> tuple[MetricRow, ...]:
    """Train before, test after, and return the figures beside the baseline's.

    Args:
        settings: All settings.
        use_case: One of `USE_CASES`.
        from_day: First test day, UTC; the use case's own split when None.
        to_day: Day after the last test day, UTC.

    Raises:
        UsageError: The use case is unknown, or its window cannot be chosen.
        NothingPublishedError: No run has published features yet.
        ModelError: There is too little data.
    """
    if use_case not in USE_CASES:
        raise UsageError(f"There is no use case {use_case!r}.", hint=f"one of {', '.join(USE_CASES)}")
    window = {name: day for name, day in (("test_from", from_day), ("test_to", to_day)) if day is not None}
    if window and use_case not in CHOSEN_WINDOW:
        raise UsageError(
            f"The test window of {use_case} follows from its data.",
            hint="leave --from and --to out",
        )
    with open_reader(settings.published_dir) as reader:

        def read(key: str) -> pd.DataFrame:
            return read_frame(reader.cursor(), f"from {relation(key)} order by all")

        return USE_CASES[use_case](read, window).metrics


def _load_forecast(read: Read, window: Mapping[str, datetime]) -> TrainedModel:
    import pandas as pd

    from ml.load_forecast.train import train

    stamps = {name: pd.Timestamp(day, tz="UTC") for name, day in window.items()}
    return train(
        read("features/feat_load_forecast__hourly"),
        test_from=stamps.get("test_from"),
        test_to=stamps.get("test_to"),
    )


def _retraining(read: Read, window: Mapping[str, datetime]) -> Judged:
    import pandas as pd

    from ml.load_forecast.retraining import rehearse_all

    if len(window) < len(("test_from", "test_to")):
        raise UsageError("Retraining is rehearsed on a stretch of the past.", hint="give --from and --to")
    return rehearse_all(
        read("features/feat_load_forecast__hourly"),
        test_from=pd.Timestamp(window["test_from"], tz="UTC"),
        test_to=pd.Timestamp(window["test_to"], tz="UTC"),
    )


def _transformer_failure(read: Read, _window: Mapping[str, datetime]) -> TrainedModel:
    from ml.transformer_failure.train import train

    return train(read("features/feat_transformer_failure__weekly"))


def _outage_risk(read: Read, _window: Mapping[str, datetime]) -> TrainedModel:
    from ml.outage_risk.config import OutageRiskConfig
    from ml.outage_risk.train import train

    return train(
        read("features/feat_outage_risk__daily"),
        read("ml/transformer_failure_scores"),
        read("marts/dim_transformers"),
        read("ml/load_forecast"),
        config=OutageRiskConfig(left_out_storms=JUDGED_STORMS),
    )


def _scada_anomaly(read: Read, _window: Mapping[str, datetime]) -> TrainedModel:
    from ml.scada_anomaly.train import train

    return train(read("features/feat_scada_anomaly__window"), read("features/feat_scada_anomaly__symbols"))


def _transformer_health(read: Read, _window: Mapping[str, datetime]) -> TrainedModel:
    from ml.transformer_health.train import train

    return train(read("features/feat_transformer_health__sample"))


def _top_oil(read: Read, _window: Mapping[str, datetime]) -> TrainedModel:
    from ml.top_oil.train import train

    return train(read("features/feat_top_oil__hourly"))


def _restoration_time(read: Read, _window: Mapping[str, datetime]) -> TrainedModel:
    from ml.restoration_time.train import train

    return train(read("features/feat_restoration_time__outage"))


def _storm_priority(read: Read, _window: Mapping[str, datetime]) -> TrainedModel:
    from ml.storm_priority.train import train

    return train(read("features/feat_outage_risk__daily"), read("features/feat_restoration_time__outage"))


USE_CASES: dict[str, Callable[[Read, Mapping[str, datetime]], Judged]] = {
    "load_forecast": _load_forecast,
    "retraining": _retraining,
    "transformer_failure": _transformer_failure,
    "outage_risk": _outage_risk,
    "scada_anomaly": _scada_anomaly,
    "transformer_health": _transformer_health,
    "top_oil": _top_oil,
    "restoration_time": _restoration_time,
    "storm_priority": _storm_priority,
}
