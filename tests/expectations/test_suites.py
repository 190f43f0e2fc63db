from __future__ import annotations

import importlib

import pytest

from expectations import registry

pytestmark = pytest.mark.slow

SHORTEST_NOTE = 8


@pytest.mark.parametrize("asset_key", registry.suite_keys())
def test_every_expectation_says_its_name_severity_and_why(asset_key: str) -> None:
    suite = registry.build_suite(asset_key)

    assert suite.name == asset_key.split("/")[1]
    for expectation in suite.expectations:
        assert expectation.meta["check_name"]
        assert expectation.meta["expected"]
        assert expectation.severity.value in ("critical", "warning")
        assert len(expectation.notes) >= SHORTEST_NOTE


@pytest.mark.parametrize("asset_key", registry.suite_keys())
def test_names_of_checks_are_unique_and_demand_rows(asset_key: str) -> None:
    names = registry.expected_checks(asset_key)

    assert len(set(names)) == len(names)
    assert "row_count" in names
    assert any(name.endswith("_null_share") for name in names)


@pytest.mark.parametrize("asset_key", registry.suite_keys())
def test_every_suite_says_which_border_it_guards(asset_key: str) -> None:
    module = importlib.import_module(f"expectations.suites.{asset_key.replace('/', '.')}")

    assert (module.__doc__ or "").startswith("Guards the border between ")
