"""The forecast model of one series: regression, week before and day before blended, with interval widths.

What lives here: forecasting, and the way to JSON and back. What does not: fitting (`regression`,
`train`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.load_forecast.baseline import day_before_mw, seasonal_naive_mw
from ml.load_forecast.config import DAY_HOURS
from ml.load_forecast.regression import RegressionModel, Shape, restore_load, transform_load

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from ml.load_forecast.issues import PreparedSeries
    from ml.metrics import Floats


Weights = tuple[float, float, float]
REGRESSION_ALONE: Weights = (1.0, 0.0, 0.0)
WEEK_ALONE: Weights = (0.0, 1.0, 0.0)


@dataclass(frozen=True, kw_only=True)
class SeriesModel:
    """What forecasts one series.

    Attributes:
        regression: Fitted regression; None when the seasonal naive forecast is the model.
        weights: Of regression, week before and day before; they sum to 1.
        scale_mw: Of the transformation the errors are measured on.
        widths: Error quantiles for live intervals, shape (n_origin_hours, n_levels,
            n_horizon_hours), transformed.
        reference_gaps: Daily gaps to what calendar and weather explain, out of time, before the training; what drift is
            told from.
        trained_from: First hour learnt from, ISO 8601 UTC.
        trained_to: End of what was learnt from.
    """

    regression: RegressionModel | None
    weights: Weights
    scale_mw: float
    widths: Floats
    reference_gaps: tuple[float, ...]
    trained_from: str
    trained_to: str

    def forecast(self, prepared: PreparedSeries, origins: npt.NDArray[np.int64], hour_count: int) -> Floats:
        """Forecast the hours after each origin, transformed, shape (n_origins, hour_count)."""
        return blend(self.candidates(prepared, origins, hour_count), self.weights)

    def candidates(self, prepared: PreparedSeries, origins: npt.NDArray[np.int64], hour_count: int) -> Floats:
        """Return what regression, week before and day before say, transformed, shape (3, n_origins, hour_count).

        Without a regression the week before stands in its place.
        """
        week, day = (
            transform_load(_fill_rows(naive(prepared.series, origins, hour_count)), self.scale_mw)
            for naive in (seasonal_naive_mw, day_before_mw)
        )
        if self.regression is None or len(origins) == 0:
            return np.stack([week, week, day])
        return np.stack([self.regression.forecast(prepared, origins, hour_count), week, day])

    def live_quantiles_mw(self, prepared: PreparedSeries, origin: int, origin_hour_utc: int, hour_count: int) -> Floats:
        """Return the quantiles of one issue, MW, shape (n_levels, hour_count)."""
        center = self.forecast(prepared, np.array([origin]), hour_count)[0]
        step = DAY_HOURS / len(self.widths)
        nearest = round(origin_hour_utc / step) % len(self.widths)
        quantiles: Floats = center + self.widths[nearest][:, :hour_count]
        return restore_load(quantiles, self.scale_mw)

    def as_json(self) -> dict[str, Any]:
        """Return the parameters as plain JSON types."""
        regression = self.regression
        return {
            "kind": "seasonal_naive" if regression is None else "regression",
            "weights": list(self.weights),
            "scale_mw": self.scale_mw,
            "trained_from": self.trained_from,
            "trained_to": self.trained_to,
            "widths": self.widths.tolist(),
            "reference_gaps": list(self.reference_gaps),
            "regression": None
            if regression is None
            else {
                "has_annual_terms": regression.shape.has_annual_terms,
                "knots_degc": regression.shape.knots_degc.tolist(),
                "knots_mps": regression.shape.knots_mps.tolist(),
                "has_radiation": regression.shape.has_radiation,
                "level": regression.level,
                "coefficients": regression.coefficients.tolist(),
                "lags_hours": list(regression.lags_hours),
                "lag_weights": regression.lag_weights.tolist(),
            },
        }


def series_model(stored: Mapping[str, Any]) -> SeriesModel:
    """Rebuild a model from its JSON form."""
    parameters = stored["regression"]
    scale_mw = float(stored["scale_mw"])
    return SeriesModel(
        regression=None
        if parameters is None
        else RegressionModel(
            scale_mw=scale_mw,
            shape=Shape(
                has_annual_terms=bool(parameters["has_annual_terms"]),
                knots_degc=np.asarray(parameters["knots_degc"], dtype=float),
                knots_mps=np.asarray(parameters["knots_mps"], dtype=float),
                has_radiation=bool(parameters["has_radiation"]),
            ),
            level=float(parameters["level"]),
            coefficients=np.asarray(parameters["coefficients"], dtype=float),
            lags_hours=tuple(int(lag) for lag in parameters["lags_hours"]),
            lag_weights=np.asarray(parameters["lag_weights"], dtype=float),
        ),
        weights=_weights(stored["weights"]),
        scale_mw=scale_mw,
        widths=np.asarray(stored["widths"], dtype=float),
        reference_gaps=tuple(float(gap) for gap in stored["reference_gaps"]),
        trained_from=str(stored["trained_from"]),
        trained_to=str(stored["trained_to"]),
    )


def blend(candidates: Floats, weights: Weights) -> Floats:
    """Return the weighted mean of the candidates; the first one where another that counts is unknown."""
    parts = [weight * candidate for weight, candidate in zip(weights, candidates, strict=True) if weight]
    mixed: Floats = np.sum(parts, axis=0)
    return np.where(np.isfinite(mixed), mixed, candidates[0])


def _weights(stored: Sequence[float]) -> Weights:
    regression, week, day = (float(weight) for weight in stored)
    return regression, week, day


def _fill_rows(values: Floats) -> Floats:
    """Return rows with NaN replaced by the row's mean; a row of NaN stays."""
    is_known = np.isfinite(values)
    count = is_known.sum(axis=1, keepdims=True)
    mean = np.where(is_known, values, 0.0).sum(axis=1, keepdims=True) / np.maximum(count, 1)
    return np.where(is_known | (count == 0), values, mean)


def model_key(network_id: str, series_id: str) -> str:
    """Return the key of a series in the model's mapping."""
    return f"{network_id}/{series_id}"
