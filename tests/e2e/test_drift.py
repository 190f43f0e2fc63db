"""A source changes the shape of its file (RELIABILITY F10): blocked with the difference named, last good rows kept."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.mini import home as mini_home
from tests.e2e.mini.home import MiniHome
from tests.e2e.mini.register import add_register, build_graph, deliver

pytestmark = pytest.mark.slow

HEADER = "SUBSTATION_ID,PRIMARY_VOLTAGE_KV"
ROWS = [(f"S{number}", str(10.0 + number)) for number in range(30)]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MiniHome:
    """One good delivery. Tests copy it."""
    home = MiniHome.make(tmp_path_factory.mktemp("mini") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mini_home, "build_graph", build_graph)
        add_register(home)
        deliver(home, "first", *(float(voltage) for _, voltage in ROWS))
        assert home.run("+ml/voltages").status == "COMPLETE"
    return home


@pytest.mark.parametrize(
    ("header", "cells", "said"),
    [
        pytest.param(f"{HEADER},OPERATOR", "{0},{1},north", "not expected: OPERATOR", id="added"),
        pytest.param("SUBSTATION_ID", "{0}", "missing: PRIMARY_VOLTAGE_KV", id="dropped"),
        pytest.param(
            "SUBSTATION_ID,VOLTAGE", "{0},{1}", "missing: PRIMARY_VOLTAGE_KV; not expected: VOLTAGE", id="renamed"
        ),
        pytest.param(HEADER, "{0},{1} kilovolt", "primary_voltage_kv: 30 cells could not be read", id="retyped"),
    ],
)
def test_a_changed_column_blocks_and_the_last_good_rows_stay(
    made: MiniHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: str, cells: str, said: str
) -> None:
    monkeypatch.setattr(mini_home, "build_graph", build_graph)
    home = made.copy_to(tmp_path / "home")
    before = home.rows("select * from marts.dim_substations order by all")
    lines = [cells.format(*row) for row in ROWS]
    path = home.path / "inbox" / "register" / "substations_second.csv"
    path.write_text("\n".join([header, *lines, ""]), encoding="utf-8")

    summary = home.run("+ml/voltages")

    assert summary.status == "BLOCKED"
    assert said in " ".join(summary.blocked.values())
    assert home.rows("select * from marts.dim_substations order by all") == before
    assert home.rows("select count(*) from raw.gis_substations") == [(30,)]
