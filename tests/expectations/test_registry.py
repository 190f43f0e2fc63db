from __future__ import annotations

import subprocess
import sys

import pytest

from expectations import registry
from flows.errors import UnknownAssetError

SUITE = """
from expectations import bounds
def build():
    return within("load_mw", 0, bounds.MAX_LOAD_MW, notes="why")
"""
BOUNDS = """
MAX_MW = 5.0
MAX_LOAD_MW = 2 * MAX_MW
MAX_RAIN_MM = 310.0
"""


def version(*, suite: str = SUITE, bounds: str = BOUNDS, shared: str = "x = 1") -> str:
    return registry.version_of_sources(suite_source=suite, bounds_source=bounds, shared_sources=(shared,))


def test_knows_a_suite_for_every_gated_table() -> None:
    gates = [registry.gate_of(key) for key in registry.suite_keys()]

    assert (gates.count("raw"), gates.count("features"), gates.count("scores")) == (18, 6, 4)


def test_answers_without_importing_great_expectations() -> None:
    code = (
        "import sys, expectations.gate, expectations.outcome, expectations.data_docs\n"
        "from expectations import registry\n"
        "[registry.suite_version(key) for key in registry.suite_keys()]\n"
        "assert 'great_expectations' not in sys.modules\n"
    )

    finished = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)

    assert finished.returncode == 0, finished.stderr.decode()


def test_version_does_not_change_with_comments_layout_and_docstrings() -> None:
    commented = SUITE.replace("def build():", '# a comment\n\n\ndef build():\n    """Build it."""\n').replace(
        "0, bounds", "0,\n            bounds"
    )

    assert version(suite=commented) == version()


@pytest.mark.parametrize(
    "changed",
    [
        {"bounds": BOUNDS.replace("2 *", "3 *")},
        {"bounds": BOUNDS.replace("5.0", "6.0")},
        {"suite": SUITE.replace("0, bounds", "1, bounds")},
        {"suite": SUITE.replace('"why"', '"other reason"')},
        {"shared": "x = 2"},
    ],
    ids=["bound", "bound behind the bound", "suite", "notes", "shared words"],
)
def test_version_changes_with_what_is_checked(changed: dict[str, str]) -> None:
    assert version(**changed) != version()


def test_version_does_not_change_with_a_bound_the_suite_does_not_use() -> None:
    assert version(bounds=BOUNDS.replace("310.0", "300.0")) == version()


def test_versions_of_suites_differ() -> None:
    versions = {registry.suite_version(key) for key in registry.suite_keys()}

    assert len(versions) == len(registry.suite_keys())


@pytest.mark.parametrize("asset_key", ["raw/nothing", "marts/fct_load", "raw/../registry"])
def test_refuses_an_asset_without_a_suite(asset_key: str) -> None:
    with pytest.raises(UnknownAssetError):
        registry.gate_of(asset_key)
