from __future__ import annotations

import subprocess
import sys

from typer.testing import CliRunner

from flows.cli.main import app
from flows.errors import UsageError
from tests.conftest import CHECKOUT


def test_help_imports_no_broker_and_no_model() -> None:
    code = (
        "import sys, flows.cli.main; heavy = {'faststream', 'nats', 'redis', 'aiokafka', 'pandas', 'sklearn'};"
        " print(sorted(heavy & set(sys.modules)))"
    )

    done = subprocess.run([sys.executable, "-c", code], cwd=CHECKOUT, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_demonstration_takes_no_broker() -> None:
    done = CliRunner().invoke(app, ["stream", "--demo", "--source", "nats"])

    assert isinstance(done.exception, UsageError)
    assert done.exception.exit_code == 2


def test_a_consumer_that_never_read_has_no_status() -> None:
    done = CliRunner().invoke(app, ["stream", "--status", "--consumer", "nobody-of-this-name"])

    assert isinstance(done.exception, UsageError)
    assert "nobody-of-this-name" in done.exception.message


def test_a_consumer_s_name_is_no_path() -> None:
    done = CliRunner().invoke(app, ["stream", "--status", "--consumer", "../elsewhere"])

    assert isinstance(done.exception, UsageError)
    assert "stream_consumer" in done.exception.message
