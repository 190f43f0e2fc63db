"""Two models on the same later stretches of time: is one clearly better.

What lives here: the losses side by side, per stretch, and their test. What does not: how a use case computes a loss
(`ml/<use case>/paired.py`), what follows from it (`ml.promotion`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from ml.metrics import Floats


@dataclass(frozen=True, kw_only=True)
class PairedLosses:
    """Losses of two models on the same stretches of time, later than either was trained on.

    Attributes:
        challenger: Loss per stretch, in time order; lower is better.
        champion: The same of the present champion, same shape.
    """

    challenger: Floats
    champion: Floats

    @property
    def gain_share(self) -> float:
        """How much lower the challenger's mean loss is, as a share of the champion's; 0 where neither has any."""
        challenger, champion = float(self.challenger.mean()), float(self.champion.mean())
        if champion == 0:
            return 0.0 if challenger == 0 else -math.inf
        return 1 - challenger / champion

    @property
    def p_value(self) -> float:
        """Probability of a gain like this one if neither were better.

        One-sided Diebold-Mariano test on the differences: their variance counts neighbouring stretches together
        (Newey-West), with Student's law and the correction for small samples.

        Source: Diebold and Mariano 1995; Harvey, Leybourne and Newbold 1997, eq. 9; Newey and West 1987.
        """
        from scipy.stats import t

        gain = self.champion - self.challenger
        count = len(gain)
        lags = round(count ** (1 / 3))
        centred = gain - gain.mean()
        variance = float(centred @ centred) / count
        for lag in range(1, lags + 1):
            variance += 2 * (1 - lag / (lags + 1)) * float(centred[lag:] @ centred[:-lag]) / count
        if variance <= 0:
            return 0.0 if gain.mean() > 0 else 1.0
        statistic = float(gain.mean()) / math.sqrt(variance / count)
        return float(t.sf(statistic * math.sqrt((count - 1) / count), df=count - 1))


NOTHING = PairedLosses(challenger=np.zeros(0), champion=np.zeros(0))
"""Nothing later to judge both on."""


def by_stretch(parts: Sequence[pd.DataFrame], stretch: str) -> PairedLosses:
    """Return mean losses per stretch of time.

    Args:
        parts: Losses row by row: `challenger`, `champion` and the stretch a row lies in.
        stretch: Name of that column.
    """
    filled = [part for part in parts if not part.empty]
    if not filled:
        return NOTHING
    means = pd.concat(filled).groupby(stretch)[["challenger", "champion"]].mean().dropna().sort_index()
    return PairedLosses(
        challenger=means["challenger"].to_numpy(dtype=float), champion=means["champion"].to_numpy(dtype=float)
    )


def later_half_from(times: pd.Series[pd.Timestamp], seen_to: datetime, *, stretch: str) -> pd.Timestamp | None:
    """Return where the later half of the stretches begins that come after what a champion has seen.

    >>> times = pd.Series(pd.date_range("2026-03-01", periods=4, freq="D", tz="UTC"))
    >>> later_half_from(times, times[0], stretch="D")
    Timestamp('2026-03-03 00:00:00+0000', tz='UTC')

    Args:
        times: When each row is about, UTC.
        seen_to: End of what the champion was trained or judged on, UTC.
        stretch: Length of a stretch, a pandas frequency.

    Returns:
        None with fewer than two stretches.
    """
    later = times[times >= seen_to].dt.floor(stretch).drop_duplicates().sort_values()
    return None if len(later) < 2 else later.iloc[len(later) // 2]  # noqa: PLR2004 - two halves
