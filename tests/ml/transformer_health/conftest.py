"""Made-up oil tests whose health follows gases and water, and the published ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pytest

from ml.transformer_health.config import FEATURE_COLUMNS, LABEL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PUBLISHED_NAMES = {
    "Hydrogen": "hydrogen_ppm",
    "Oxigen": "oxygen_ppm",
    "Nitrogen": "nitrogen_ppm",
    "Methane": "methane_ppm",
    "CO": "carbon_monoxide_ppm",
    "CO2": "carbon_dioxide_ppm",
    "Ethylene": "ethylene_ppm",
    "Ethane": "ethane_ppm",
    "Acethylene": "acetylene_ppm",
    "DBDS": "dbds_ppm",
    "Power factor": "power_factor_pct",
    "Interfacial V": "interfacial_tension_mn_m",
    "Dielectric rigidity": "dielectric_strength_kv",
    "Water content": "water_ppm",
    "Health index": LABEL,
}
RATIOS = {
    "acetylene_ethylene_ratio": ("acetylene_ppm", "ethylene_ppm", 1),
    "methane_hydrogen_ratio": ("methane_ppm", "hydrogen_ppm", 5),
    "ethylene_ethane_ratio": ("ethylene_ppm", "ethane_ppm", 1),
    "carbon_dioxide_monoxide_ratio": ("carbon_dioxide_ppm", "carbon_monoxide_ppm", 25),
    "oxygen_nitrogen_ratio": ("oxygen_ppm", "nitrogen_ppm", 1),
}
COMBUSTIBLE = ("hydrogen", "methane", "acetylene", "ethylene", "ethane", "carbon_monoxide")


def with_ratios(samples: pd.DataFrame) -> pd.DataFrame:
    """Add what `features.feat_transformer_health__sample` computes, and its keys."""
    at = pd.Timestamp("2024-06-01", tz="UTC")
    ratios = {
        name: (samples[gas] / samples[divisor]).where(samples[divisor] >= least)
        for name, (gas, divisor, least) in RATIOS.items()
    }
    tdcg = samples[[f"{gas}_ppm" for gas in COMBUSTIBLE]].sum(axis=1, skipna=False)
    return samples.assign(**ratios, tdcg_ppm=tdcg, asset_id=None, valid_at=at, available_at=at, is_fallback=False)


@pytest.fixture(scope="session")
def make_samples() -> Callable[..., pd.DataFrame]:
    """Make rows of the features."""

    def make(count: int = 150) -> pd.DataFrame:
        generator = np.random.default_rng(13)
        names = [name for name in FEATURE_COLUMNS if not name.endswith("_ratio") and name != "tdcg_ppm"]
        values = {name: generator.lognormal(3.0, 1.0, count) for name in names}
        worse = np.log1p(values["hydrogen_ppm"]) + np.log1p(values["water_ppm"])
        samples = pd.DataFrame({"network_id": "DGA", "sample_id": [f"S{each:03}" for each in range(count)], **values})
        samples[LABEL] = np.clip(10 * (worse - 4) + generator.normal(0, 3, count), 0, 100)
        samples.loc[generator.random(count) < 0.1, "dbds_ppm"] = np.nan
        return with_ratios(samples)

    return make


@pytest.fixture(scope="session")
def samples(make_samples: Callable[..., pd.DataFrame]) -> pd.DataFrame:
    return make_samples()


@pytest.fixture(scope="session")
def published_samples(shared_data: Path) -> pd.DataFrame:
    """The published oil tests as feature rows."""
    read = pd.read_parquet(shared_data / "transformer_dga_health" / "health_index_part_a.parquet")
    named = read.rename(columns=PUBLISHED_NAMES).astype(dict.fromkeys(PUBLISHED_NAMES.values(), float))
    return with_ratios(named.assign(network_id="DGA", sample_id=read["_source_row"].astype(str)))
