from __future__ import annotations

import errno
import json
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from flows.errors import UsageError
from flows.lineage.audit import verify_bundle
from flows.lineage.audit.bundle import export_bundle, parse_period
from flows.lineage.audit.keys import open_signer
from flows.lineage.audit.report import open_ledgers
from flows.settings import Settings, get_settings
from tests.flows.lineage.audit.ledgers import forged, verdict_of, write_ledger

pytestmark = pytest.mark.slow

WHOLE = "2026-03-01..2026-04-01"


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("recorded")
    write_ledger(home, runs=3)
    return home


@pytest.fixture
def home(recorded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(recorded, tmp_path / "home"))


def export(home: Path, period: str = WHOLE) -> Path:
    settings = Settings(home=home, audit_witness_path=home / "witness.jsonl")
    target = home / "bundle.zip"
    with open_ledgers(settings) as (ledgers, _):
        export_bundle(next(iter(ledgers.values())), settings, parse_period(period), target)
    return target


def verify(bundle: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the bundle's own verifier, without anything of ours in reach."""
    shutil.unpack_archive(bundle, folder)
    return subprocess.run(
        [sys.executable, "-I", "-S", str(folder / "verify_bundle.py")], capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize("period", [WHOLE, "2026-03-30..2026-03-30", "2026-03-29T00:30:00..2026-03-29T01:01:00"])
def test_a_bundle_of_a_sound_ledger_verifies(home: Path, tmp_path: Path, period: str) -> None:
    bundle = export(home, period)

    answer = verify(bundle, tmp_path / "bundle")

    assert (answer.stdout, answer.returncode) == ("as recorded\n", 0), answer.stderr


@pytest.mark.parametrize(
    "statement",
    [
        "update lineage.check_result set status = 'FAIL'",
        "delete from lineage.materialization_input",
        "insert into lineage.asset_dep select * replace ('x' as upstream_key) from lineage.asset_dep limit 1",
        "update lineage.audit_log set canonical = replace(canonical, 'pass', 'fail')",
        "update lineage.audit_log set canonical = 'x' where seq = 9",
        "delete from lineage.audit_log where seq = 20",
        "delete from lineage.audit_log where seq > 30",
        "update lineage.audit_log set hash = upper(hash) where seq = 12",
    ],
)
def test_the_bundle_of_a_forged_ledger_has_the_same_verdict_as_this_host(
    home: Path, tmp_path: Path, statement: str
) -> None:
    with forged(home / "warehouse.duckdb") as connection:
        connection.execute(statement)
    bundle = export(home)

    answer = verify(bundle, tmp_path / "bundle")

    assert verdict_of(home).finding is not None
    assert answer.returncode == 1
    assert answer.stdout.startswith("NOT AS RECORDED")


def changed_line(text: str) -> str:
    return text.replace("PASS", "FAIL", 1)


def shorter(text: str) -> str:
    return "".join(text.splitlines(keepends=True)[:-2])


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("chain.jsonl", changed_line),
        ("chain.jsonl", shorter),
        ("chain.jsonl", lambda _: ""),
        ("ledger.jsonl", changed_line),
        ("ledger.jsonl", shorter),
        ("checkpoints.jsonl", lambda text: text.replace("2026-03-29T01:05", "2026-03-29T01:06")),
        ("checkpoints.jsonl", shorter),
        ("public_key.hex", lambda text: text.replace(text[3], "f" if text[3] != "f" else "0")),
    ],
)
def test_a_bundle_that_was_changed_does_not_verify(
    home: Path, tmp_path: Path, name: str, change: Callable[[str], str]
) -> None:
    folder = tmp_path / "bundle"
    assert verify(export(home), folder).returncode == 0
    (folder / name).write_text(change((folder / name).read_text()))

    answer = subprocess.run(
        [sys.executable, str(folder / "verify_bundle.py"), str(folder)], capture_output=True, text=True, check=False
    )

    assert answer.returncode == 1
    assert answer.stdout.startswith("NOT AS RECORDED")


def test_the_verifier_reads_the_zip_itself_and_is_short(home: Path) -> None:
    script = Path(verify_bundle.__file__)

    answer = subprocess.run(
        [sys.executable, str(script), str(export(home))], capture_output=True, text=True, check=False
    )

    assert answer.stdout == "as recorded\n", answer.stderr
    assert len(script.read_text().splitlines()) < 100


def test_its_signature_check_agrees_with_the_library(tmp_path: Path) -> None:
    signer = open_signer(tmp_path / "audit")
    signature = bytes.fromhex(signer.sign(b"message"))

    assert verify_bundle.is_signed(signer.public_key, b"message", signature)
    assert not verify_bundle.is_signed(signer.public_key, b"massage", signature)
    assert not verify_bundle.is_signed(signer.public_key, b"message", signature[:63])
    assert not verify_bundle.is_signed(signer.public_key, b"message", signature[:32] + b"\xff" * 32)


def test_the_signature_check_passes_the_vectors_of_rfc_8032() -> None:
    # RFC 8032, 7.1, tests 1 and 2
    key = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    signature = bytes.fromhex(
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
    other_key = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    other = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )

    assert verify_bundle.is_signed(key, b"", signature)
    assert verify_bundle.is_signed(other_key, b"\x72", other)
    assert not verify_bundle.is_signed(key, b"\x72", other)


def test_a_bundle_holds_the_period_and_no_more(home: Path) -> None:
    with zipfile.ZipFile(export(home, "2026-03-30..2026-03-30")) as bundle:
        chain = [json.loads(line) for line in bundle.read("chain.jsonl").splitlines()]
        rows = [json.loads(line) for line in bundle.read("ledger.jsonl").splitlines()]

    times = {json.loads(entry["canonical"])["recorded_at"][:10] for entry in chain}
    assert times == {"2026-03-30"}
    assert sum(row["subject"].startswith("run:") for row in rows) == 1


def test_periods_are_read_as_days_or_moments() -> None:
    assert parse_period("2026-03-29..2026-03-29").end == datetime(2026, 3, 30, tzinfo=UTC)
    assert parse_period("2026-03-29T00:00Z..2026-03-29T06:00+02:00").end == datetime(2026, 3, 29, 4, tzinfo=UTC)
    for wrong in ("2026-03-29", "x..y", "2026-03-29..2026-03-01"):
        with pytest.raises(UsageError):
            parse_period(wrong)


def test_a_period_without_entries_is_refused(home: Path) -> None:
    with pytest.raises(UsageError, match="Nothing signed"):
        export(home, "2020-01-01..2020-01-02")


def test_the_command_writes_the_bundle(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRIDWEAVE_HOME", str(home))
    get_settings.cache_clear()
    answer = CliRunner().invoke(app, ["audit", "export", "--period", WHOLE, "--out", str(tmp_path / "f.zip")])
    get_settings.cache_clear()

    assert answer.exit_code == 0
    assert verify(tmp_path / "f.zip", tmp_path / "bundle").returncode == 0


def test_a_file_that_is_there_is_replaced_only_when_asked_for(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRIDWEAVE_HOME", str(home))
    get_settings.cache_clear()
    target = tmp_path / "f.zip"
    target.write_text("handed out in March")
    command = ["audit", "export", "--period", WHOLE, "--out", str(target)]

    refused = CliRunner().invoke(app, command)
    kept = target.read_text()
    forced = CliRunner().invoke(app, [*command, "--force"])
    get_settings.cache_clear()

    assert isinstance(refused.exception, UsageError)
    assert "is there already" in refused.exception.message
    assert kept == "handed out in March"
    assert forced.exit_code == 0
    assert verify(target, tmp_path / "bundle").returncode == 0
    assert [each.name for each in tmp_path.iterdir() if each.name.startswith("f.zip.")] == []


def test_an_export_that_breaks_off_leaves_nothing(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("flows.lineage.audit.bundle._write_lines", full)
    target = tmp_path / "f.zip"
    target.write_text("handed out in March")

    with open_ledgers(Settings(home=home)) as (ledgers, _), pytest.raises(OSError, match="No space"):
        export_bundle(next(iter(ledgers.values())), Settings(home=home), parse_period(WHOLE), target, is_replacing=True)

    assert target.read_text() == "handed out in March"
    assert {each.name for each in tmp_path.iterdir()} == {"f.zip", "home"}


@pytest.mark.parametrize(("place", "words"), [("gone/f.zip", "no folder"), ("home", "is a folder")])
def test_a_place_that_cannot_be_written_is_named(home: Path, tmp_path: Path, place: str, words: str) -> None:
    with open_ledgers(Settings(home=home)) as (ledgers, _), pytest.raises(UsageError, match=words):
        export_bundle(next(iter(ledgers.values())), Settings(home=home), parse_period(WHOLE), tmp_path / place)
