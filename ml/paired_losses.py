"""Two models on the same later stretches of time: is one clearly better.

What lives here: the losses side by side and their test. What does not: how a use case computes a loss
(`ml/<use case>/paired.py`), what follows from it (`ml.promotion`).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
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
        """How much lower the challenger's mean loss is, as a share of the champion's."""
        return 1 - float(self.challenger.mean()) / float(self.champion.mean())

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
