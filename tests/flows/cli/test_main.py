from __future__ import annotations

import subprocess
import sys

from tests.conftest import CHECKOUT

BREAKS = """
import logging
import flows.cli.main as cli

def app(**_):
    logging.basicConfig(level={level})
    raise OSError(28, "No space left on device")

cli.app = app
cli.main()
"""


def run(level: str) -> subprocess.CompletedProcess[str]:
    code = BREAKS.format(level=f"logging.{level}")
    return subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=False)


def test_what_nobody_foresaw_is_one_sentence_and_exit_1() -> None:
    done = run("ERROR")

    assert done.returncode == 1
    assert "error: OSError: [Errno 28] No space left on device" in done.stderr
    assert "--verbose" in done.stderr
    assert "Traceback" not in done.stderr


def test_with_verbose_it_says_where() -> None:
    assert "Traceback" in run("INFO").stderr
