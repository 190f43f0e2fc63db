from __future__ import annotations

import subprocess
import sys

import pytest
import yaml

from expectations import registry
from flows.errors import UnknownAssetError
from tests.conftest import CHECKOUT

TRANSFORM = CHECKOUT / "transform" / "models"

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


def declared_tables(file: str) -> set[str]:
    """Keys of the tables that one file of dbt sources declares."""
    sources = yaml.safe_load((TRANSFORM / file).read_text(encoding="utf-8"))["sources"]
    return {f"{source['name']}/{table['name']}" for source in sources for table in source["tables"]}


def test_there_is_a_suite_for_every_table_that_crosses_a_border_and_for_no_other() -> None:
    delivered = declared_tables("staging/_raw__sources.yml")
    scored = declared_tables("reports/_ml__sources.yml")
    features = {f"features/{path.stem}" for path in (TRANSFORM / "features").rglob("*.sql")}

    assert set(registry.suite_keys()) == delivered | scored | features


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
