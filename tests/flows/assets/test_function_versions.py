"""Whatever a step reaches in its own package or in `ml` is in its version, and nothing else is."""

from __future__ import annotations

import importlib
import sys
from itertools import count
from typing import TYPE_CHECKING

import pytest

from flows.assets.function_versions import version_of_function

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

STEPS = '''
    from __future__ import annotations

    from typing import TYPE_CHECKING

    import {package}.neighbours as beside
    from {package} import neighbours as all_of_them
    from {package}.neighbours import in_kilowatts

    if TYPE_CHECKING:
        from {package}.neighbours import Unused

    LIMIT_MW = 10
    FACTORS = {}
    FACTORS["watts"] = 3
    SCHEDULE = "daily"
    try:
        import json as reader
    except ImportError:
        FACTOR = 1
    else:
        FACTOR = 2


    def scheduled(text):
        return lambda step: step


    @scheduled(SCHEDULE)
    def peak_load(load_mw: list[Unused]) -> float:
        """Peak load."""
        _noted(load_mw)
        return in_kilowatts(_clipped(max(load_mw)))


    def _noted(load_mw):
        """Note nothing."""
        ...


    def _clipped(load_mw):
        return min(load_mw, LIMIT_MW)


    def mean_load(load_mw):
        return FACTOR * sum(load_mw) / len(load_mw)


    def lowest_load(load_mw):
        return all_of_them.in_watts(min(load_mw))


    def named_load(load_mw):
        return FACTORS["watts"] * beside.in_watts(load_mw)
'''
NEIGHBOURS = '''
    KILO = 1000


    class Unused:
        """Only a type."""


    def in_kilowatts(load_mw):
        return load_mw * KILO


    def in_watts(load_mw):
        return load_mw * 1_000_000
'''
STEP_NAMES = ("peak_load", "mean_load", "lowest_load", "named_load")

_numbers = count()


@pytest.fixture(autouse=True)
def _unloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(tmp_path)
    yield
    for name in [each for each in sys.modules if each.partition(".")[0].startswith("versioned_")]:
        del sys.modules[name]


def versions(folder: Path, was: str = "", now: str = "") -> dict[str, str]:
    """Version of each step of a package in which one text was replaced."""
    package = f"versioned_{next(_numbers)}"
    (folder / package).mkdir()
    (folder / package / "__init__.py").touch()
    for module, text in (("steps", STEPS), ("neighbours", NEIGHBOURS)):
        source = "\n".join(line.removeprefix("    ") for line in text.strip().splitlines())
        changed = source.replace(was, now) if was else source
        (folder / package / f"{module}.py").write_text(changed.replace("{package}", package), encoding="utf-8")
    assert not was or was in STEPS + NEIGHBOURS
    steps = importlib.import_module(f"{package}.steps")
    found = {name: version_of_function(getattr(steps, name)).digest for name in STEP_NAMES}
    assert found == {name: version_of_function(getattr(steps, name)).digest for name in STEP_NAMES}, "asked again"
    return found


@pytest.mark.parametrize(
    ("was", "now", "changed"),
    [
        ("LIMIT_MW = 10", "LIMIT_MW = 11", {"peak_load"}),
        ("min(load_mw, LIMIT_MW)", "max(load_mw, LIMIT_MW)", {"peak_load"}),
        ("KILO = 1000", "KILO = 1024", {"peak_load", "lowest_load", "named_load"}),
        ('FACTORS["watts"] = 3', 'FACTORS["watts"] = 4', {"named_load"}),
        ("FACTOR = 1", "FACTOR = 3", {"mean_load"}),
        ("FACTOR * sum", "sum", {"mean_load"}),
        ("1_000_000", "1_000_001", {"lowest_load", "named_load"}),
        ('SCHEDULE = "daily"', 'SCHEDULE = "hourly"', set()),
        ('"""Peak load.', '"""Highest load.', set()),
        ("LIMIT_MW = 10", "LIMIT_MW  =  10  # a comment", set()),
        ("    return lambda step: step", "    return lambda step: (step)", set()),
    ],
)
def test_a_step_is_another_one_when_what_it_reaches_is(tmp_path: Path, was: str, now: str, changed: set[str]) -> None:
    before, after = versions(tmp_path), versions(tmp_path, was, now)

    assert {name for name in STEP_NAMES if before[name] != after[name]} == changed


def test_the_version_tells_where_the_source_is() -> None:
    version = version_of_function(versions)

    assert "importlib.import_module" in version.source_text
    assert version.source_path == "tests/flows/assets/test_function_versions.py"
