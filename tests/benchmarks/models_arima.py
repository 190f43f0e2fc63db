"""Two days ahead with statsmodels' ARIMA, one series after the other, as it is written by hand.

    python -m tests.benchmarks.models_arima <folder> <series>

What lives here: the plain loop of bench_models.py. It writes arima_many.csv and prints seconds as JSON.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path

import pandas as pd
from statsmodels.tsa.arima.model import ARIMA

from tests.benchmarks.models_data import AHEAD_HOURS, HISTORY_HOURS
from tests.benchmarks.stopwatch import Stopwatch

ORDER, SEASONAL_ORDER = (2, 0, 1), (0, 1, 1, 24)


def main() -> None:
    """Read, forecast, write, print."""
    folder, count = Path(sys.argv[1]), int(sys.argv[2])
    rows = pd.read_parquet(folder / "many.parquet", columns=["series_id", "valid_at", "load_mw"])
    parts = []
    stopwatch = Stopwatch()
    for series_id in sorted(rows["series_id"].unique())[:count]:
        load = rows[rows["series_id"] == series_id].set_index("valid_at")["load_mw"].asfreq("h")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has not converged
            fitted = ARIMA(load.iloc[:HISTORY_HOURS], order=ORDER, seasonal_order=SEASONAL_ORDER).fit()
        ahead = fitted.forecast(AHEAD_HOURS)
        parts.append(pd.DataFrame({"series_id": series_id, "valid_at": ahead.index, "0.5": ahead.to_numpy()}))
    spent = stopwatch.read()
    pd.concat(parts).to_csv(folder / "arima_many.csv", index=False)
    print(json.dumps({**spent, "series": len(parts)}))


if __name__ == "__main__":
    main()
