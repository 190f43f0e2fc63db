"""A check that cannot be made is no pass (RELIABILITY F14): ERROR, not FAIL, and nothing behind it is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from expectations.checks import suite
from expectations.landing import landed_rows, plausible_attribute
from expectations.suites.raw import gis_substations
from tests.e2e.mini import home as mini_home
from tests.e2e.mini.home import MiniHome
from tests.e2e.mini.register import add_register, build_graph, deliver

pytestmark = pytest.mark.slow

DELIVERED = (
    "from lineage.check_result join lineage.materialization using (materialization_id) where event_kind = 'OBSERVED'"
)


def suite_that_raises() -> Any:
    """A suite whose second expectation names a column that does not exist."""
    return suite(
        "gis_substations",
        landed_rows(keys=("network_id", "substation_id")),
        plausible_attribute("no_such_column", 0.0, 1.0, notes="Raises: there is no such column."),
    )


def suite_that_does_not_build() -> Any:
    raise RuntimeError("the suite does not build")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MiniHome:
    """The mini project with a register that was delivered and not looked at yet."""
    monkeypatch.setattr(mini_home, "build_graph", build_graph)
    home = MiniHome.make(tmp_path / "home")
    add_register(home)
    deliver(home, "first", *(10.0 + number for number in range(30)))
    return home


def test_an_expectation_that_raises_is_an_error_and_the_load_is_not_read(
    home: MiniHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gis_substations, "build", suite_that_raises)

    summary = home.run("+ml/voltages")

    assert (summary.status, summary.gates, summary.materialized) == ("BLOCKED", {"raw": "ERROR"}, [])
    assert home.rows("select status, contains(reason, 'could not be checked') from lineage.load") == [("BLOCKED", True)]
    checks = dict(home.rows(f"select check_name, lineage.check_result.status {DELIVERED}"))
    assert checks.pop("gate") == "ERROR"
    assert checks.pop("history") == "NOT_RUN", "nothing came before it"
    assert {name for name, status in checks.items() if status == "ERROR"}
    assert all("no_such_column" in name for name, status in checks.items() if status != "PASS")
    assert "FAIL" not in checks.values(), "the data are not blamed"
    assert home.rows("select row_count from lineage.released_materialization where asset_key like '%substations'") == [
        (0,)
    ], "no row of the load is released"


def test_a_suite_that_does_not_build_ends_the_run_and_the_load_waits_for_the_next(
    home: MiniHome, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(gis_substations, "build", suite_that_does_not_build)
        with pytest.raises(RuntimeError, match="does not build"):
            home.run("+ml/voltages")
    waiting = home.rows("select status from lineage.load")
    runs = home.rows("select status from lineage.run where run_kind = 'flow'")

    summary = home.run("+ml/voltages")

    assert (waiting, runs) == ([("LANDED",)], [("FAIL",)])
    assert (summary.status, summary.gates) == ("COMPLETE", {"raw": "PASS"})
    assert home.rows("select voltage_kv from ml.voltages") == [(39.0,)]
