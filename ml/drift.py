"""Has the world moved since a model was trained? Of its inputs, and of its errors.

What lives here: statistics and their limits, on arrays. What does not: what follows from them
(`ml.load_forecast.retraining`, the assets and checks of flows.definitions.drift).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pandas as pd

    from ml.metrics import Floats

PSI_BIN_COUNT = 10
PSI_VALUES_PER_BIN = 3  # with a bin for each of ten values, an index from nothing in common is what chance gives
PSI_FLOOR = 1e-4  # an empty bin must not give an infinite index
PSI_LIMIT = 0.2  # Siddiqi 2006: below 0.1 nothing, 0.1 to 0.2 some, above 0.2 a shift
PSI_CHANCE_LEVEL = 0.999  # of the index of two samples of one population: one dozen of rows in ten reaches 2
PSI_DRAWS = 10_000
FEW_REFERENCE_ROWS = 1_000  # above, a Kolmogorov-Smirnov test finds differences that do not matter (Evidently's rule)
KS_LEVEL = 0.05
WASSERSTEIN_LIMIT = 0.1  # in standard deviations of the reference
MISSING_RISE_LIMIT = 0.3

SEASON_DAYS = 42
YEAR_DAYS = 365.25
DRIFT_COLUMNS = (
    "network_id",
    "feature",
    "psi",
    "psi_by_chance",
    "ks_p_value",
    "wasserstein",
    "missing_share_rise",
    "is_drifted",
)

CUSUM_SLACK = 0.5  # in standard deviations: tuned to a shift of one (Montgomery 2013, section 9.1)
CUSUM_LIMIT = 8.0  # 5 is the textbook's for independent values; daily forecast errors are not, and have heavy tails
LARGEST_STEP = 4.0  # one absurd day must not be an alarm
MAD_TO_SPREAD = 1.4826
LARGEST_CORRELATION = 0.8


@dataclass(frozen=True, kw_only=True)
class FeatureDrift:
    """How far one feature has moved from what a model was trained on.

    Attributes:
        feature: Its name.
        psi: Population stability index over parts of the reference, 0 or more; NaN where nothing can be compared.
        psi_by_chance: Index that samples of these sizes from one population exceed once in a thousand times.
        ks_p_value: Of the two-sample Kolmogorov-Smirnov test; NaN for a large reference, where it says nothing.
        wasserstein: Distance in standard deviations of the reference; NaN for a small one.
        missing_share_rise: Share of unknown values now, less that of the reference.
    """

    feature: str
    psi: float
    psi_by_chance: float
    ks_p_value: float
    wasserstein: float
    missing_share_rise: float

    @property
    def is_drifted(self) -> bool:
        """True when the index, above chance, and the test that suits the sample agree, or values have gone missing."""
        differs = self.ks_p_value < KS_LEVEL or self.wasserstein > WASSERSTEIN_LIMIT
        is_moved = differs and self.psi > max(PSI_LIMIT, self.psi_by_chance)
        return is_moved or self.missing_share_rise > MISSING_RISE_LIMIT


def feature_drift(reference: Mapping[str, Floats], current: Mapping[str, Floats]) -> tuple[FeatureDrift, ...]:
    """Compare each feature's values now with those a model was trained on.

    Args:
        reference: Values per feature, any number, NaN where unknown.
        current: The same features now.

    Returns:
        One record per feature of the reference that either side knows values of, in its order.
    """
    return tuple(
        compare(name, np.asarray(values, dtype=float), np.asarray(current[name], dtype=float))
        for name, values in reference.items()
        if len(values) and len(current[name])
    )


def drift_row(network_id: str, drift: FeatureDrift) -> dict[str, object]:
    """Return a network's row in DRIFT_COLUMNS."""
    return {"network_id": network_id, **asdict(drift), "is_drifted": drift.is_drifted}


def is_in_season(valid_at: pd.Series, around: pd.Timestamp) -> pd.Series:
    """Tell which instants lie within six weeks of a day of the year, in any year before it.

    Load, heat and storms move with the season, in what was learnt from as well: only what differs from it is new.
    """
    apart = (around - valid_at).dt.days % YEAR_DAYS
    is_near: pd.Series = (apart <= SEASON_DAYS) | (apart >= YEAR_DAYS - SEASON_DAYS)
    return is_near


def compare(name: str, reference: Floats, current: Floats, *, is_missing_only: bool = False) -> FeatureDrift:
    """Compare a feature's values now with those a model was trained on.

    Args:
        name: Of the feature.
        reference: Any number of values, NaN where unknown.
        current: The same now.
        is_missing_only: The reference is of another season: its values say nothing, only how many are unknown does.
    """
    from scipy.stats import ks_2samp, wasserstein_distance

    known, now = reference[np.isfinite(reference)], current[np.isfinite(current)]
    rise = _known_share(reference) - _known_share(current)
    if is_missing_only or not known.size or not now.size:
        return FeatureDrift(
            feature=name,
            psi=float("nan"),
            psi_by_chance=float("nan"),
            ks_p_value=float("nan"),
            wasserstein=float("nan"),
            missing_share_rise=rise,
        )
    is_few = known.size < FEW_REFERENCE_ROWS
    spread = float(known.std())
    return FeatureDrift(
        feature=name,
        psi=population_stability_index(known, now),
        psi_by_chance=index_by_chance(known, len(now)),
        ks_p_value=float(ks_2samp(known, now).pvalue) if is_few else float("nan"),
        wasserstein=float("nan") if is_few or not spread else float(wasserstein_distance(known, now)) / spread,
        missing_share_rise=rise,
    )


def _known_share(values: Floats) -> float:
    return float(np.isfinite(values).mean()) if values.size else 0.0


def population_stability_index(reference: Floats, current: Floats) -> float:
    """Return the population stability index of finite values over the reference's tenths; larger parts for below 30.

    >>> population_stability_index(np.arange(100.0), np.arange(100.0))
    0.0

    Source: Siddiqi 2006, Credit Risk Scorecards, chapter 8.
    """
    inner = _inner_edges(reference, len(current))
    return float(_index(*(_bin_shares(values, inner) for values in (reference, current))))


def index_by_chance(reference: Floats, current_count: int) -> float:
    """Return the index that samples of these sizes from one population exceed once in a thousand times.

    Args:
        reference: Finite values; their number and their bins count.
        current_count: Number of values they are compared with.

    Drawn, not taken from the chi-squared law the index follows in large samples (Yurdakul and Naranjo 2020): a bin
    that stays empty adds most, and with a dozen rows one always does.
    """
    inner = _inner_edges(reference, current_count)
    shares = _bin_shares(reference, inner)
    generator = np.random.default_rng(PSI_DRAWS)
    drawn = [generator.multinomial(size, shares, size=PSI_DRAWS) / size for size in (len(reference), current_count)]
    return float(np.quantile(_index(*drawn), PSI_CHANCE_LEVEL))


def _inner_edges(reference: Floats, current_count: int) -> Floats:
    """Return what parts the reference into bins of equal shares, as many as the values set beside it can fill."""
    count = min(max(current_count // PSI_VALUES_PER_BIN, 2), PSI_BIN_COUNT)
    return np.asarray(np.unique(np.quantile(reference, np.linspace(0, 1, count + 1)[1:-1])))


def _bin_shares(values: Floats, inner: Floats) -> Floats:
    """Return the share of the values in each bin between the inner edges."""
    return np.bincount(np.searchsorted(inner, values, side="right"), minlength=len(inner) + 1) / len(values)


def _index(expected: Floats, found: Floats) -> Floats:
    """Return the index of two distributions over bins, the last axis."""
    expected, found = np.maximum(expected, PSI_FLOOR), np.maximum(found, PSI_FLOOR)
    return np.asarray(np.sum((found - expected) * np.log(found / expected), axis=-1))


def first_shift(reference: Floats, values: Floats) -> int | None:
    """Return the position at which a series of daily figures has clearly left its reference; None when it has not.

    A two-sided cumulative sum of standardised values. The standard deviation is that of a mean of neighbouring days:
    daily errors follow each other, and a chart for independent values would alarm every month.

    Args:
        reference: Daily figures while all was well, NaN where unknown.
        values: Daily figures since, in time order, NaN where unknown.

    Source: Page 1954, Biometrika 41; Montgomery 2013, Statistical Quality Control, sections 9.1 and 10.4.
    """
    known = reference[np.isfinite(reference)]
    if known.size < 2 * PSI_BIN_COUNT:
        return None
    middle = float(np.median(known))
    spread = MAD_TO_SPREAD * float(np.median(np.abs(known - middle))) * _inflation(known - middle)
    if not spread:
        return None
    steps = np.clip((values - middle) / spread, -LARGEST_STEP, LARGEST_STEP)
    above = below = 0.0
    for position, step in enumerate(steps):
        if np.isfinite(step):
            above = max(0.0, above + float(step) - CUSUM_SLACK)
            below = max(0.0, below - float(step) - CUSUM_SLACK)
        if max(above, below) > CUSUM_LIMIT:
            return position
    return None


def _inflation(deviations: Floats) -> float:
    """Return how much larger the standard deviation of a mean of neighbours is than that of independent values."""
    correlation = float(np.corrcoef(deviations[:-1], deviations[1:])[0, 1]) if deviations.std() else 0.0
    bounded = min(max(correlation, 0.0), LARGEST_CORRELATION)
    return float(np.sqrt((1 + bounded) / (1 - bounded)))
