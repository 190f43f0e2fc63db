"""Listening: loopback or TLS, file modes, and the command itself (S7, S10, S11)."""

from __future__ import annotations

import os
import re
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from flows.cli.main import app
from flows.clock import utc_now
from flows.errors import ConfigurationError
from flows.settings import Settings, get_settings
from ml.serving.errors import ExposedWithoutTlsError
from ml.serving.keys import SCOPES, KeyStore
from ml.serving.server import is_loopback, make_config
from tests.certificates import self_signed
from tests.conftest import free_port
from tests.ml.serving.conftest import RunningApi
from tests.ml.serving.processes import is_alive, nurseries

Serve = Callable[..., RunningApi]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "grid.example"])  # noqa: S104 - refused is the test
@pytest.mark.parametrize("given", ["nothing", "certificate", "key"])
def test_no_address_off_loopback_without_certificate_and_key(tmp_path: Path, host: str, given: str) -> None:
    paths = {"certificate": "api_tls_certificate_path", "key": "api_tls_key_path"}
    tls = {paths[given]: tmp_path / "file.pem"} if given in paths else {}
    settings = Settings(home=tmp_path, api_host=host, **tls)  # type: ignore[arg-type] # paths only

    with pytest.raises(ExposedWithoutTlsError) as refused:
        make_config(settings)

    assert refused.value.exit_code == 2


@pytest.mark.parametrize(
    ("host", "expected"), [("127.0.0.1", True), ("::1", True), ("localhost", True), ("10.1.1.1", False)]
)
def test_loopback_is_told_from_other_addresses(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_a_certificate_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "no.pem").write_text("nothing", encoding="utf-8")
    path = tmp_path / "no.pem"

    with pytest.raises(ConfigurationError, match="cannot be used"):
        make_config(Settings(home=tmp_path, api_tls_certificate_path=path, api_tls_key_path=path))


def test_tls_is_modern_only(tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)

    config = make_config(Settings(home=tmp_path, api_tls_certificate_path=certificate, api_tls_key_path=key))

    assert config.ssl is not None
    assert config.ssl.minimum_version == ssl.TLSVersion.TLSv1_2
    names = [each["name"] for each in config.ssl.get_ciphers()]
    assert names
    assert not [name for name in names if re.search(r"CBC|SHA$|RC4|3DES|NULL|MD5|EXP", name)]


@pytest.mark.slow
def test_the_server_listens_on_loopback_only_and_its_files_are_its_owners(api: RunningApi) -> None:
    listening = subprocess.run(["ss", "-ltnH"], capture_output=True, text=True, check=True).stdout
    addresses = {line.split()[3] for line in listening.splitlines() if line.split()[3].endswith(f":{api.port}")}
    folder = api.settings.serving_dir

    assert addresses == {f"127.0.0.1:{api.port}"}
    assert folder.stat().st_mode & 0o777 == 0o700
    files = [path for path in folder.iterdir() if path.is_file()]
    assert {path.name for path in files} >= {"keys.json", "events.jsonl"}
    assert {path.stat().st_mode & 0o777 for path in files} == {0o600}
    assert api.key not in "".join(path.read_text(encoding="utf-8") for path in files)


@pytest.mark.slow
def test_the_command_serves_says_so_and_ends_when_told(serve: Serve) -> None:
    home = serve().home.path
    port = free_port()
    secret = KeyStore(home / "serving").add("command", scopes=SCOPES, expires_days=1)
    command = subprocess.Popen(
        [sys.executable, "-m", "flows.cli.main", "api", "--port", str(port)],
        env={**os.environ, "GRIDWEAVE_HOME": str(home)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert command.stdout is not None
    with command.stdout:
        said = command.stdout.readline()
    answer = httpx.get(f"http://127.0.0.1:{port}/v1/storm-priority", headers={"X-API-Key": secret})
    started = [process for nursery in nurseries(command.pid) for process in (nursery, *nurseries(nursery))]
    command.send_signal(signal.SIGTERM)
    code = command.wait(30)
    time.sleep(0.5)  # they end when their connections do

    running = [each for each in started if Path(f"/proc/{each}").exists() and is_alive(each)]
    assert len(started) == 6
    assert said == f"scoring API ready: http://127.0.0.1:{port}\n"
    assert answer.status_code == 200
    assert code in {0, 143, -signal.SIGTERM}
    assert running == []


def test_keys_are_made_listed_and_revoked_by_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from typer.testing import CliRunner

    monkeypatch.setenv("GRIDWEAVE_HOME", str(tmp_path))
    get_settings.cache_clear()
    runner = CliRunner()

    made = runner.invoke(app, ["keys", "add", "crew", "--scope", "score", "--expires-days", "2"])
    again = runner.invoke(app, ["keys", "add", "crew", "--scope", "score"])
    unknown = runner.invoke(app, ["keys", "add", "other", "--scope", "everything"])
    listed = runner.invoke(app, ["keys", "list", "--json"])
    runner.invoke(app, ["keys", "revoke", "crew"])
    after = runner.invoke(app, ["keys", "list", "--json"])
    get_settings.cache_clear()

    secret = made.stdout.splitlines()[0]
    assert re.fullmatch(r"gw_[\w-]{43}", secret)
    assert again.exception is not None
    assert unknown.exception is not None
    assert '"state": "valid"' in listed.stdout
    assert '"state": "revoked"' in after.stdout
    stored = (tmp_path / "serving" / "keys.json").read_text(encoding="utf-8")
    assert secret not in stored + listed.stdout
    found = KeyStore(tmp_path / "serving").find(secret)
    assert found is not None
    assert found.scopes == ("score",)
    assert found.is_over(utc_now())
