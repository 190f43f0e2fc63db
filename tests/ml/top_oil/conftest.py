"""Made-up transformers that follow C57.91, and the published one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

RATED_MVA, RATED_RISE_K, TIME_CONSTANT_HOURS = 20.0, 50.0, 3.0


@pytest.fixture(scope="session")
def make_units() -> Callable[..., pd.DataFrame]:
    """Make rows of the hourly features: load by hour of day, oil by C57.91 above a measured ambient."""

    def make(unit_count: int = 3, days: int = 70, *, is_ambient_measured: bool = True) -> pd.DataFrame:
        generator = np.random.default_rng(17)
        times = pd.date_range("2024-01-01", periods=24 * days, freq="h", tz="UTC")
        hour = times.hour.to_numpy()
        spell = np.convolve(generator.normal(0, 1.2, len(times) + 71), np.ones(72) / 8, "valid")
        ambient = 12 + 5 * np.sin(2 * np.pi * (hour - 9) / 24) + spell
        parts = []
        for unit in range(unit_count):
            share = 0.7 + 0.3 * np.sin(2 * np.pi * (hour - 11) / 24) + generator.normal(0, 0.04, len(times))
            oil = ambient + _rise(share) + generator.normal(0, 0.2, len(times))
            parts.append(
                pd.DataFrame(
                    {
                        "network_id": "SIM",
                        "asset_id": f"T{unit}",
                        "valid_at": times,
                        "available_at": times,
                        "readings_available_at": times,
                        "load_mva": RATED_MVA * share,
                        "rated_mva": RATED_MVA,
                        "ambient_temperature_degc": ambient if is_ambient_measured else np.nan,
                        "top_oil_temperature_degc": oil,
                        "is_fallback": False,
                    }
                )
            )
        return pd.concat(parts, ignore_index=True)

    return make


def _rise(share: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    ultimate = RATED_RISE_K * ((share**2 * 6.5 + 1) / 7.5) ** 0.8
    kept, state = np.exp(-1 / TIME_CONSTANT_HOURS), ultimate[0]
    rise = np.empty_like(ultimate)
    for position, value in enumerate(ultimate):
        state = kept * state + (1 - kept) * value
        rise[position] = state
    return rise


@pytest.fixture(scope="session")
def units(make_units: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    return make_units()


@pytest.fixture(scope="session")
def published_transformer(shared_data: Path) -> pd.DataFrame:
    """ETTh1 as feature rows."""
    read = pd.read_csv(shared_data / "ett_transformer" / "ETTh1.csv.gz", parse_dates=["date"])
    at = read["date"].dt.tz_localize("Asia/Shanghai").dt.tz_convert("UTC")
    return pd.DataFrame(
        {
            "network_id": "ETT",
            "asset_id": "ETTh1",
            "valid_at": at,
            "available_at": at,
            "readings_available_at": at,
            "load_mva": read["HUFL"].abs(),
            "rated_mva": np.nan,
            "ambient_temperature_degc": np.nan,
            "top_oil_temperature_degc": read["OT"],
            "is_fallback": False,
        }
    )
