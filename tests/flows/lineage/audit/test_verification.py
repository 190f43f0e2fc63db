from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from uuid import uuid4

import duckdb
import pytest

from flows.lineage.audit.chain import GENESIS_HASH, append_rows, canonical_json, entry_hash
from flows.lineage.audit.checkpoints import CHECKPOINTS_NAME, checkpoint_message
from flows.lineage.audit.keys import PRIVATE_KEY_NAME, PUBLIC_KEY_NAME, AuditKeyError, Signer, open_signer
from flows.lineage.audit.rows import COVERED, STATE_TABLES
from flows.lineage.audit.verification import Witnesses, read_witnesses, verify_ledger
from flows.warehouse.warehouse import open_warehouse
from tests.flows.lineage.audit.ledgers import NOW, forged, verdict_of, write_ledger

pytestmark = pytest.mark.slow

CHANGED = (*COVERED, *STATE_TABLES, "audit_log", "audit_anchor")


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("recorded")
    write_ledger(home)
    return home


@pytest.fixture
def home(recorded: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(recorded, tmp_path / "home"))


def chain_of(connection: duckdb.DuckDBPyConnection) -> list[tuple[int, str, str, str]]:
    return connection.execute("select seq, canonical, prev_hash, hash from lineage.audit_log order by seq").fetchall()


def write_anew(connection: duckdb.DuckDBPyConnection, canonicals: list[str]) -> list[str]:
    """Write the whole chain anew with hashes that follow, and return them."""
    connection.execute("delete from lineage.audit_log")
    previous, hashes = GENESIS_HASH, []
    for seq, canonical in enumerate(canonicals, start=1):
        digest = entry_hash(previous, canonical)
        connection.execute("insert into lineage.audit_log values (?, ?, ?, ?)", [seq, canonical, previous, digest])
        hashes.append(digest)
        previous = digest
    return hashes


def sign_anew(home: Path, signer: Signer, hashes: list[str]) -> None:
    """Sign every old checkpoint again over the given chain."""
    path = home / "audit" / CHECKPOINTS_NAME
    lines = []
    for line in path.read_text().splitlines():
        old = json.loads(line)
        digest = hashes[old["seq"] - 1]
        message = checkpoint_message(old["seq"], digest, old["anchored_at"], signer.key_id)
        new = {**old, "head_hash": digest, "key_id": signer.key_id, "signature": signer.sign(message)}
        lines.append(canonical_json(new) + "\n")
    path.write_text("".join(lines))


def forge_a_check(connection: duckdb.DuckDBPyConnection) -> list[str]:
    """Turn recorded passes into failures everywhere, and return the texts of the chain that says so."""
    return [canonical.replace("check_result.pass", "check_result.fail") for _, canonical, _, _ in chain_of(connection)]


def test_a_ledger_as_recorded_verifies(home: Path) -> None:
    verdict = verdict_of(home)

    assert verdict.finding is None
    assert verdict.entries >= 30
    assert verdict.waiting == 0


def change_one_place(connection: duckdb.DuckDBPyConnection, chance: random.Random) -> str:
    """Change one field of one row, or one bit of it, remove a row or repeat one under another key."""
    table = chance.choice([name for name in CHANGED if row_count(connection, name)])
    row_id = chance.choice(connection.execute(f"select rowid from lineage.{table}").fetchall())[0]
    if chance.random() < 0.1:
        connection.execute(f"delete from lineage.{table} where rowid = ?", [row_id])
        return f"{table} row {row_id} removed"
    columns = connection.execute(
        "select column_name, data_type from duckdb_columns() where schema_name = 'lineage' and table_name = ?", [table]
    ).fetchall()
    name, kind = chance.choice(columns)
    value = connection.execute(f"select {name}::varchar from lineage.{table} where rowid = ?", [row_id]).fetchall()
    before = value[0][0]
    after = changed_text(before, kind, chance)
    try:
        connection.execute(f"update lineage.{table} set {name} = ? where rowid = ?", [after, row_id])
    except (duckdb.ConstraintException, duckdb.ConversionException):  # the table itself refuses this value
        connection.execute("rollback; begin transaction")
        return change_one_place(connection, chance)
    return f"{table}.{name} {before!r} -> {after!r}"


def changed_text(before: str | None, kind: str, chance: random.Random) -> str | None:
    """Another value of the same type: mostly one character off."""
    others = {
        "UUID": str(uuid4()),
        "BOOLEAN": "false" if before == "true" else "true",
        "BIGINT": f"{before or 0}1",
        "INTEGER": f"{before or 0}1",
        "TIMESTAMP WITH TIME ZONE": (before or "2026-01-01 00:00:00.000001+00").replace("2026", "2027"),
        "JSON": '{"forged":1}',
    }
    if kind in others or not before:
        return others.get(kind, "forged")
    place = chance.randrange(len(before))
    return before[:place] + chr(ord(before[place]) ^ 1) + before[place + 1 :]


def row_count(connection: duckdb.DuckDBPyConnection, table: str) -> int:
    return int(connection.execute(f"select count(*) from lineage.{table}").fetchall()[0][0])


@pytest.mark.parametrize("seeds", [range(60), pytest.param(range(60, 1060), marks=pytest.mark.full)])
def test_any_change_anywhere_is_found(home: Path, seeds: range) -> None:
    witnesses = read_witnesses(home / "audit", key_path=None, witness=home / "witness.jsonl")
    assert isinstance(witnesses, Witnesses)
    missed = []

    with forged(home / "warehouse.duckdb") as connection:
        for seed in seeds:
            connection.execute("begin transaction")
            place = change_one_place(connection, random.Random(seed))
            finding = verify_ledger(connection, witnesses).finding
            missed.extend([place] if finding is None or finding.seq < 1 else [])
            connection.execute("rollback")

        assert missed == []
        assert verify_ledger(connection, witnesses).finding is None


@pytest.mark.parametrize("table", [*COVERED, *STATE_TABLES])
def test_a_row_put_in_by_hand_is_found_and_named(home: Path, table: str) -> None:
    key = COVERED[table].keys[-1] if table in COVERED else "asset_key"
    with forged(home / "warehouse.duckdb") as connection:
        kind = connection.execute(f"select typeof({key}) from lineage.{table}").fetchall()[0][0]
        new = "uuid()" if kind == "UUID" else "'forged'"
        names = f"{new} as {key}" + (f", {new} as ol_name" if table == "asset" else "")
        connection.execute(f"insert into lineage.{table} select * replace ({names}) from lineage.{table} limit 1")

    finding = verdict_of(home).finding

    assert finding is not None
    assert f"lineage.{table}" in finding.reason


def test_a_changed_row_is_named_with_the_entry_that_recorded_it(home: Path) -> None:
    with forged(home / "warehouse.duckdb") as connection:
        seq, subject = connection.execute(
            "select seq, subject from lineage.audit_event where action = 'check_result.pass' limit 1"
        ).fetchall()[0]
        connection.execute(
            "update lineage.check_result set blocking = false where check_result_id = ?", [subject.partition(":")[2]]
        )

    finding = verdict_of(home).finding

    assert finding is not None
    assert finding.seq == seq
    assert subject.partition(":")[2] in finding.reason


@pytest.mark.parametrize(
    ("statement", "seq"),
    [
        pytest.param("delete from lineage.audit_log where seq = 7", 7, id="removed"),
        pytest.param("delete from lineage.audit_log where seq = 1", 1, id="first removed"),
        pytest.param(
            "insert into lineage.audit_log select 0, canonical, prev_hash, hash from lineage.audit_log where seq = 7",
            1,
            id="put in before the first",
        ),
        pytest.param(
            "update lineage.audit_log set canonical = (select canonical from lineage.audit_log where seq = 15 - l.seq)"
            " from lineage.audit_log l where l.seq = audit_log.seq and l.seq in (7, 8)",
            7,
            id="swapped",
        ),
    ],
)
def test_entries_that_were_removed_put_in_or_swapped_are_found(home: Path, statement: str, seq: int) -> None:
    with forged(home / "warehouse.duckdb") as connection:
        connection.execute(statement)

    finding = verdict_of(home).finding

    assert finding is not None
    assert finding.seq == seq


def test_a_missing_end_is_found_by_the_checkpoint(home: Path) -> None:
    entries = verdict_of(home).entries
    with forged(home / "warehouse.duckdb") as connection:
        connection.execute("delete from lineage.audit_log where seq > ?", [entries - 3])

    finding = verdict_of(home).finding

    assert finding is not None
    assert finding.seq == entries - 2
    assert "end is gone" in finding.reason


def test_a_chain_written_anew_without_the_key_is_found_by_the_signature(home: Path) -> None:
    with forged(home / "warehouse.duckdb") as connection:
        hashes = write_anew(connection, forge_a_check(connection))
    without_key = verdict_of(home, witness=False).finding
    sign_anew(home, open_signer(home / "other"), hashes)

    with_another_key = verdict_of(home, witness=False).finding

    assert without_key is not None
    assert "written anew" in without_key.reason
    assert with_another_key is not None
    assert "not signed by this key" in with_another_key.reason


def test_another_public_key_beside_the_private_one_is_found(home: Path) -> None:
    other = open_signer(home / "other")
    with forged(home / "warehouse.duckdb") as connection:
        hashes = write_anew(connection, forge_a_check(connection))
    sign_anew(home, other, hashes)
    shutil.copy(home / "other" / PUBLIC_KEY_NAME, home / "audit" / PUBLIC_KEY_NAME)

    finding = verdict_of(home, witness=False).finding

    assert finding is not None
    assert "is not the public key" in finding.reason


def test_a_chain_written_anew_with_the_key_is_found_by_the_witness(home: Path) -> None:
    with forged(home / "warehouse.duckdb") as connection:
        hashes = write_anew(connection, forge_a_check(connection))
        connection.execute("delete from lineage.audit_anchor")
    sign_anew(home, open_signer(home / "audit"), hashes)

    finding = verdict_of(home).finding

    assert finding is not None
    assert "written anew" in finding.reason


@pytest.mark.parametrize("name", [CHECKPOINTS_NAME, PUBLIC_KEY_NAME, PRIVATE_KEY_NAME])
def test_a_bit_changed_in_a_file_beside_the_warehouse_is_found(home: Path, name: str) -> None:
    path = home / "audit" / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)

    assert verdict_of(home).finding is not None


def test_removed_checkpoints_are_found(home: Path) -> None:
    (home / "audit" / CHECKPOINTS_NAME).unlink()

    finding = verdict_of(home, witness=False).finding

    assert finding is not None
    assert "file lacks" in finding.reason


def test_the_triggers_refuse_to_change_the_chain(home: Path) -> None:
    with open_warehouse(home / "warehouse.duckdb") as warehouse:
        for statement in ("update lineage.audit_log set hash = ''", "delete from lineage.audit_log"):
            with pytest.raises(duckdb.InvalidInputException, match="append-only"):
                warehouse.cursor().execute(statement)


def test_the_same_ledger_verifies_in_another_time_zone(home: Path) -> None:
    witnesses = read_witnesses(home / "audit", key_path=None, witness=None)
    assert isinstance(witnesses, Witnesses)
    with open_warehouse(home / "warehouse.duckdb") as warehouse:
        cursor = warehouse.cursor()
        cursor.execute("set TimeZone = 'Australia/Lord_Howe'")

        assert verify_ledger(cursor, witnesses).finding is None


def test_nothing_is_recorded_when_its_entry_cannot_be_written(home: Path) -> None:
    with open_warehouse(home / "warehouse.duckdb") as warehouse:
        before = warehouse.cursor().execute("select count(*) from lineage.load").fetchall()
        for statement in ("drop view lineage.audit_event", "drop table lineage.audit_log cascade"):
            warehouse.cursor().execute(statement)

        with pytest.raises(duckdb.CatalogException), warehouse.transaction() as cursor:  # noqa: PT012 - all of it is undone
            cursor.execute("insert into lineage.load select * replace ('x' as load_id) from lineage.load limit 1")
            append_rows(cursor, "load", [["x"]], recorded_at=NOW)

        assert warehouse.cursor().execute("select count(*) from lineage.load").fetchall() == before


def test_a_key_that_others_may_read_is_refused(home: Path) -> None:
    (home / "audit" / PRIVATE_KEY_NAME).chmod(0o644)

    with pytest.raises(AuditKeyError, match="0600"):
        open_signer(home / "audit")


def test_the_key_and_its_folder_are_closed_to_others(home: Path) -> None:
    assert (home / "audit").stat().st_mode & 0o777 == 0o700
    assert (home / "audit" / PRIVATE_KEY_NAME).stat().st_mode & 0o777 == 0o600


def test_a_table_that_was_dropped_is_found_though_an_older_ledger_may_lack_one(home: Path) -> None:
    with forged(home / "warehouse.duckdb") as connection:
        connection.execute("drop table lineage.emitted_event")

    finding = verdict_of(home).finding

    assert finding is not None
    assert "emitted_event" in finding.reason
