from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from flows.errors import WarehouseBusyError
from flows.warehouse.lock import holder_pid, owner_lock
from tests.conftest import repeated

HOLD = """
import sys, time
from pathlib import Path
from flows.warehouse.lock import owner_lock
with owner_lock(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""


def holding_process(path: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def test_a_second_process_is_refused_and_told_who_holds_the_warehouse(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    process = holding_process(path)

    try:
        with pytest.raises(WarehouseBusyError, match=str(process.pid)) as raised, owner_lock(path):
            pass
        assert raised.value.exit_code == 4
        assert holder_pid(path) == process.pid
    finally:
        end(process)


def test_a_killed_holder_leaves_nothing_to_clean_up(tmp_path: Path) -> None:
    path = tmp_path / "warehouse.duckdb"
    end(holding_process(path))

    with owner_lock(path):
        pass

    assert holder_pid(path) is None


@pytest.mark.parametrize("turn", repeated(100))
def test_reading_the_warehouse_file_does_not_drop_the_lock(tmp_path: Path, turn: int) -> None:
    path = tmp_path / f"{turn}.duckdb"
    path.write_bytes(b"content")

    with owner_lock(path):
        path.read_bytes()
        probe = "import sys; from pathlib import Path; from flows.warehouse.lock import holder_pid"
        answer = subprocess.run(
            [sys.executable, "-c", f"{probe}; print(holder_pid(Path(sys.argv[1])))", str(path)],
            capture_output=True,
            text=True,
            check=True,
        )

    assert answer.stdout.strip() == str(os.getpid())


def test_nobody_holds_a_warehouse_that_was_never_opened(tmp_path: Path) -> None:
    assert holder_pid(tmp_path / "warehouse.duckdb") is None
