"""Two small simulations, clean and dirty, made once for all simulator tests."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

import pytest

from flows.sources.simulator.simulation import SimulationSummary, simulate

if TYPE_CHECKING:
    from pathlib import Path

SPRING = date(2024, 2, 19)  # holds the spring change of 10 March
AUTUMN = date(2024, 10, 14)  # holds the autumn change of 3 November


@pytest.fixture(scope="session")
def clean(tmp_path_factory: pytest.TempPathFactory) -> SimulationSummary:
    folder: Path = tmp_path_factory.mktemp("clean")
    return simulate(
        days=35, feeders=4, transformers=24, seed=7, dirt=0.0, start=AUTUMN,
        output_dir=folder / "inbox", truth_dir=folder / "truth",
    )  # fmt: skip


@pytest.fixture(scope="session")
def dirty(tmp_path_factory: pytest.TempPathFactory) -> SimulationSummary:
    folder: Path = tmp_path_factory.mktemp("dirty")
    return simulate(
        days=35, feeders=4, transformers=24, seed=7, dirt=0.6, start=SPRING,
        output_dir=folder / "inbox", truth_dir=folder / "truth",
    )  # fmt: skip
