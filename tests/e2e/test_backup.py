"""Backup and restore on the mini project (RELIABILITY D5): verified, incremental, and refused when damaged."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from flows.engine.recovery import backing_up
from flows.engine.recovery.backing_up import BackedUp, backup, row_hashes
from flows.engine.recovery.backup_store import BackupDamagedError, BackupStore
from flows.engine.recovery.rebuilding import rebuild
from flows.engine.recovery.restoring import Restored, restore
from flows.errors import UsageError, WarehouseBusyError, WarehouseError
from flows.lineage.audit.report import verify_home
from flows.sources.file_connector import sha256_of
from flows.warehouse.lock import owner_lock
from flows.warehouse.warehouse import RESTORE_BEGUN, begin_mark, rebuild_mark
from tests.e2e.mini import home as mini_home
from tests.e2e.mini.home import MiniHome
from tests.e2e.mini.register import add_register, build_graph, deliver

pytestmark = pytest.mark.slow

TICKS = count()


def clock() -> datetime:
    """A clock that shows a later second each time."""
    return datetime(2026, 3, 5, 12, tzinfo=UTC) + timedelta(seconds=next(TICKS))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> MiniHome:
    """A delivery and a day. Tests copy it."""
    home = MiniHome.make(tmp_path_factory.mktemp("mini") / "home")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(mini_home, "build_graph", build_graph)
        add_register(home)
        deliver(home, "first", *(10.0 + number for number in range(30)))
        assert home.run(partition="2026-03-02").status == "COMPLETE"
    return home


@pytest.fixture
def home(made: MiniHome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MiniHome:
    monkeypatch.setattr(mini_home, "build_graph", build_graph)
    return made.copy_to(tmp_path / "home")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where backups go."""
    return tmp_path / "backups"


def back_up(home: MiniHome, folder: Path) -> BackedUp:
    return backup(home.pipeline.settings, folder, clock=clock, on_progress=lambda _: None)


def put_back(home: MiniHome, folder: Path, old_to: Path | None = None, backup_id: str | None = None) -> Restored:
    return restore(
        home.pipeline.settings, folder, backup_id=backup_id, old_to=old_to, clock=clock, on_progress=lambda _: None
    )


def new_host(home: MiniHome, path: Path) -> MiniHome:
    """The same project on a host that has nothing."""
    for name in ("transform", "sources"):
        shutil.copytree(home.path / name, path / name)
    return MiniHome(path)


def states(home: MiniHome) -> dict[str, tuple[int, int]]:
    """Size and inode of everything below a home, without the lock's file."""
    return {
        str(path.relative_to(home.path)): (path.stat().st_size, path.stat().st_ino)
        for path in sorted(home.path.rglob("*"))
        if path.is_file() and path.suffix != ".lock"
    }


def test_a_new_host_serves_and_runs_on_what_was_backed_up(home: MiniHome, folder: Path, tmp_path: Path) -> None:
    made = back_up(home, folder)
    tables = row_hashes(home.path / "published" / "current.duckdb")
    peaks = home.rows("select * from ml.peaks order by all")
    elsewhere = new_host(home, tmp_path / "elsewhere")

    restored = put_back(elsewhere, folder)
    published = row_hashes(elsewhere.path / "published" / "current.duckdb")
    with pytest.raises(WarehouseError, match="tables are missing"):
        elsewhere.run()
    rebuilt = rebuild(elsewhere.pipeline)
    again = elsewhere.run(partition="2026-03-02")

    assert restored.manifest == made.manifest
    assert len(tables) >= 8
    assert published == tables == made.manifest.tables
    assert (rebuilt.summary.status, again.status, again.materialized) == ("COMPLETE", "COMPLETE", [])
    assert elsewhere.rows("select * from ml.peaks order by all") == peaks
    assert verify_home(elsewhere.pipeline.settings, with_data=True).is_ok


def test_the_next_backup_copies_what_is_new_and_reads_no_more_than_that(
    home: MiniHome, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = back_up(home, folder)
    deliver(home, "second", *(110.0 + number for number in range(30)))
    home.run(partition="2026-03-03")
    read: list[Path] = []

    def noted(path: Path) -> str:
        read.append(path)
        return sha256_of(path)

    monkeypatch.setattr(backing_up, "sha256_of", noted)

    second = back_up(home, folder)

    before = {home.path / each.path for each in first.manifest.files}
    assert 0 < second.new_count < first.new_count
    assert [path for path in read if "lake" in path.parts]
    assert not [path for path in read if path in before and {"lake", "evidence"} & set(path.parts)]
    assert {home.path / each.path for each in second.manifest.files} > before
    assert BackupStore(folder).backup_ids() == (first.manifest.backup_id, second.manifest.backup_id)


def test_an_older_backup_can_be_chosen_and_what_was_there_is_kept(home: MiniHome, folder: Path, tmp_path: Path) -> None:
    first = back_up(home, folder)
    home.run(partition="2026-03-03")
    back_up(home, folder)
    with pytest.raises(UsageError, match="would take their place"):
        put_back(home, folder)

    put_back(home, folder, old_to=tmp_path / "old", backup_id=first.manifest.backup_id)
    rebuild(home.pipeline)

    assert home.rows("select reading_date::varchar from ml.peaks") == [("2026-03-02",)]
    assert (tmp_path / "old" / "warehouse.duckdb").exists()
    assert list((home.path / "inbox" / "register").iterdir()), "what waits in the inbox stays"


@pytest.mark.parametrize(
    ("path", "damage", "said"),
    [
        ("lake/raw", lambda file: file.write_bytes(file.read_bytes()[:-1] + b"?"), "was changed"),
        ("lake/files", lambda file: file.unlink(), "is gone"),
        ("evidence/ml.peaks", lambda file: file.write_bytes(b""), "was changed"),
        ("published/ledger.duckdb", lambda file: file.write_bytes(file.read_bytes()[: 1 << 16]), "was changed"),
        ("published/current.duckdb", lambda file: file.unlink(), "is gone"),
        ("audit/checkpoints.jsonl", lambda file: file.write_text("{}\n"), "was changed"),
    ],
)
def test_a_damaged_backup_is_refused_with_the_name_of_the_file(
    home: MiniHome, folder: Path, tmp_path: Path, path: str, damage: Callable[[Path], object], said: str
) -> None:
    made = back_up(home, folder)
    hit = next(each for each in made.manifest.files if each.path.startswith(path))
    damage(BackupStore(folder).object_path(hit.sha256))
    before = states(home)

    with pytest.raises(BackupDamagedError) as refused:
        put_back(home, folder, old_to=tmp_path / "old")

    assert f"{hit.path} {said}" in refused.value.message
    assert states(home) == before
    assert not (tmp_path / "old").exists()


def test_what_rotted_in_the_folder_is_copied_anew_or_named_when_it_is_scrubbed(
    home: MiniHome, folder: Path, tmp_path: Path
) -> None:
    made = back_up(home, folder)
    deliver(home, "second", *(110.0 + number for number in range(30)))
    home.run(partition="2026-03-03")
    back_up(home, folder)
    lake = next(each for each in made.manifest.files if each.path.startswith("lake/raw"))
    ledger = next(each for each in made.manifest.files if each.path == "published/ledger.duckdb")
    for each in (lake, ledger):
        BackupStore(folder).object_path(each.sha256).write_bytes(bytes(each.byte_count))

    trusted = back_up(home, folder)
    scrubbed, again = (
        backup(home.pipeline.settings, folder, is_scrubbing=True, clock=clock, on_progress=lambda _: None)
        for _ in range(2)
    )

    assert (trusted.mended, trusted.lost) == (0, ())
    assert scrubbed.mended == 1
    assert scrubbed.lost == again.lost == (f"published/ledger.duckdb of backup {made.manifest.backup_id}",)
    assert again.mended == 0
    put_back(home, folder, old_to=tmp_path / "old")


def test_a_manifest_that_was_changed_is_refused(home: MiniHome, folder: Path, tmp_path: Path) -> None:
    made = back_up(home, folder)
    manifest = folder / "backups" / f"{made.manifest.backup_id}.json"
    manifest.write_text(manifest.read_text().replace("lake/raw", "lake/../../raw", 1))

    with pytest.raises(BackupDamagedError, match="is not what was written"):
        put_back(home, folder, old_to=tmp_path / "old")


def test_tables_with_other_rows_than_the_manifest_says_are_refused(
    home: MiniHome, folder: Path, tmp_path: Path
) -> None:
    made = back_up(home, folder).manifest
    tables = made.tables | {"ml/peaks": "duckdb-hash-sum:1:7"}
    BackupStore(folder).write(
        created_at="2027-01-01T00:00:00.000000Z",
        ledger_entries=made.ledger_entries,
        home_id=made.home_id,
        files=made.files,
        tables=tables,
    )
    before = states(home)

    with pytest.raises(BackupDamagedError, match="table ml/peaks has other rows"):
        put_back(home, folder, old_to=tmp_path / "old")

    assert states(home) == before


def test_only_so_many_backups_stay_and_nothing_they_need_goes(home: MiniHome, folder: Path, tmp_path: Path) -> None:
    store = BackupStore(folder)
    first = back_up(home, folder).manifest
    home.run(partition="2026-03-03")
    second = back_up(home, folder).manifest
    home.run(partition="2026-03-04")

    third = backup(home.pipeline.settings, folder, kept=2, clock=clock, on_progress=lambda _: None).manifest

    assert store.backup_ids() == (second.backup_id, third.backup_id)
    assert (store.problems(second), store.problems(third)) == ((), ())
    gone = {each.sha256 for each in first.files} - {each.sha256 for each in (*second.files, *third.files)}
    assert gone
    assert not [sha256 for sha256 in gone if store.object_path(sha256).exists()]
    with pytest.raises(WarehouseError, match=first.backup_id):
        put_back(home, folder, old_to=tmp_path / "old", backup_id=first.backup_id)


def test_a_folder_of_another_home_is_neither_added_to_nor_put_back(
    home: MiniHome, folder: Path, tmp_path: Path
) -> None:
    assert back_up(home, folder).manifest.home_id
    BackupStore(folder).write(
        created_at="2027-01-01T00:00:00.000000Z", ledger_entries=1, home_id="f" * 64, files=(), tables={}
    )
    before = states(home)

    with pytest.raises(UsageError, match="of another gridweave home"):
        back_up(home, folder)
    with pytest.raises(UsageError, match="of another gridweave home"):
        put_back(home, folder, old_to=tmp_path / "old")

    assert states(home) == before
    assert len(BackupStore(folder).backup_ids()) == 2


def test_a_damaged_manifest_that_is_to_stay_is_told_beside_the_backup(home: MiniHome, folder: Path) -> None:
    first = back_up(home, folder).manifest
    (folder / "backups" / f"{first.backup_id}.json").write_text("{}")

    made = backup(home.pipeline.settings, folder, kept=2, clock=clock, on_progress=lambda _: None)

    assert f"{first.backup_id}.json is not what was written" in (made.not_dropped or "")
    assert BackupStore(folder).problems(made.manifest) == ()


def test_the_time_locked_ends_with_the_lock(home: MiniHome, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow_hashes(_: Path) -> dict[str, str]:
        for _tick in range(100):
            clock()
        return {}

    monkeypatch.setattr(backing_up, "row_hashes", slow_hashes)

    made = back_up(home, folder)

    assert (made.seconds_locked, made.seconds > 100) == (1.0, True)


def test_a_damaged_newest_manifest_does_not_keep_the_next_backup_from_being_whole(home: MiniHome, folder: Path) -> None:
    first = back_up(home, folder).manifest
    (folder / "backups" / f"{first.backup_id}.json").write_text("{}")
    cut = BackupStore(folder).object_path(first.files[0].sha256)
    cut.write_bytes(cut.read_bytes()[:10])

    second = back_up(home, folder).manifest

    assert BackupStore(folder).problems(second) == ()


def test_a_restore_that_was_killed_keeps_runs_off_and_is_called_again(
    home: MiniHome, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(home, folder)
    tables = row_hashes(home.path / "published" / "current.duckdb")
    moves = count()

    def killed_move(source: Path, target: Path) -> None:
        if next(moves) == 2:
            raise KeyboardInterrupt
        source.rename(target)

    with monkeypatch.context() as killed:
        killed.setattr(shutil, "move", killed_move)
        with pytest.raises(KeyboardInterrupt):
            put_back(home, folder, old_to=tmp_path / "old")
    with pytest.raises(WarehouseError, match="tables are missing"):
        home.run()

    put_back(home, folder, old_to=tmp_path / "older")
    rebuild(home.pipeline)

    assert row_hashes(home.path / "published" / "current.duckdb") == tables
    assert home.run(partition="2026-03-02").materialized == []
    assert len(list((tmp_path / "old").iterdir())) == 2, "what was moved away before the kill is kept"


@pytest.mark.parametrize(("old_to", "said"), [("file/old", "cannot be made"), ("home/lake/old", "lies in")])
def test_a_place_that_cannot_be_leaves_all_as_it_was(
    home: MiniHome, folder: Path, tmp_path: Path, old_to: str, said: str
) -> None:
    back_up(home, folder)
    (tmp_path / "file").touch()
    before = states(home)

    with pytest.raises(UsageError, match=said):
        put_back(home, folder, old_to=tmp_path / old_to)

    assert states(home) == before


def test_a_warehouse_that_could_not_be_moved_is_not_thrown_away(
    home: MiniHome, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    back_up(home, folder)
    path = home.path / "warehouse.duckdb"

    def failed_move(source: Path, target: Path) -> None:
        raise OSError(28, f"no space left for {source} in {target}")

    with monkeypatch.context() as failing:
        failing.setattr(shutil, "move", failed_move)
        with pytest.raises(OSError, match="no space left"):
            put_back(home, folder, old_to=tmp_path / "old")
    assert not rebuild_mark(path).exists(), "runs go on"
    begin_mark(path, RESTORE_BEGUN)
    with pytest.raises(UsageError, match="would take its place"):
        rebuild(home.pipeline)

    assert path.exists()


def test_a_backup_that_was_killed_is_none(home: MiniHome, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as killed:
        killed.setattr(BackupStore, "write", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            back_up(home, folder)
    with pytest.raises(WarehouseError, match="There is no backup"):
        put_back(home, folder)

    again = back_up(home, folder)

    assert again.new_count == 0, "what the killed one copied is there"


def test_neither_runs_beside_a_run_nor_touches_the_warehouse_file(home: MiniHome, folder: Path) -> None:
    with owner_lock(home.path / "warehouse.duckdb"), pytest.raises(WarehouseBusyError):
        back_up(home, folder)
    manifest = back_up(home, folder).manifest

    assert not [each.path for each in manifest.files if "warehouse" in each.path]
    with owner_lock(home.path / "warehouse.duckdb"), pytest.raises(WarehouseBusyError):
        put_back(home, folder, old_to=folder / "old")


def test_a_folder_inside_the_home_is_refused(home: MiniHome) -> None:
    with pytest.raises(UsageError, match="lies in"):
        back_up(home, home.path / "backups")


def test_what_is_backed_up_is_readable_by_its_owner_only(home: MiniHome, folder: Path) -> None:
    back_up(home, folder)

    files = [path for path in folder.rglob("*") if path.is_file()]
    assert len(files) > 10
    assert not [path for path in files if path.stat().st_mode & 0o077]
