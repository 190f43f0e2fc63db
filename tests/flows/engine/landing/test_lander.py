"""Delivered files that change while they are landed: what is kept, hashed and converted is one and the same."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

import pytest

from flows.engine.landing.lander import Lander, LandingReport
from flows.errors import UsageError
from flows.sources import delivery_folders
from flows.sources.delivery_folders import UnopenedFileError, opened
from flows.sources.raw_tables import read_raw_tables
from flows.warehouse.lake import Lake
from flows.warehouse.warehouse import Warehouse, open_warehouse
from tests.conftest import CHECKOUT

SOURCE = "scada_mms_incidents"
NOW = datetime(2026, 3, 29, 1, tzinfo=UTC)
DELIVERED = (CHECKOUT / "data" / "sample" / "grenoble_incidents.csv").read_bytes()
LATER = DELIVERED.replace(b"GICS-1,", b"GICS-9,")


class Home:
    """A warehouse, a lake and a folder with one delivery."""

    def __init__(self, path: Path, warehouse: Warehouse) -> None:
        self.path = path
        self.warehouse = warehouse
        self.file = path / "inbox" / "grenoble_incidents.csv"
        self.file.parent.mkdir()
        self.file.write_bytes(DELIVERED)

    def land(self, lake: Lake, *paths: Path) -> LandingReport:
        return self.lander(lake).land(SOURCE, paths or [self.file.parent])

    def lander(
        self, lake: Lake, sources_dir: Path = CHECKOUT / "data" / "sources", *, settle_seconds: float = 0.0
    ) -> Lander:
        return Lander(
            warehouse=self.warehouse,
            lake=lake,
            sources_dir=sources_dir,
            raw_tables=read_raw_tables(CHECKOUT / "transform/models/staging/_raw__sources.yml"),
            run_id=uuid4(),
            clock=lambda: NOW,
            settle_seconds=settle_seconds,
        )

    def ledger_files(self) -> list[str]:
        """Hashes of the files in the ledger."""
        rows = self.warehouse.cursor().execute("select sha256 from lineage.delivered_file order by all").fetchall()
        return [sha256 for (sha256,) in rows]

    def landed(self) -> tuple[list[str], list[str]]:
        """Hashes in the ledger and ids of the landed incidents."""
        cursor = self.warehouse.cursor()
        files = f"{self.path}/lake/raw/soc_incidents/*/*.parquet"
        rows = cursor.execute(f"select incident_id, _source_file from read_parquet('{files}') order by all").fetchall()
        assert {name for _, name in rows} == {self.file.name}
        return self.ledger_files(), [incident_id for incident_id, _ in rows]


class MeddledLake(Lake):
    """A lake beside which somebody does something to the delivery, just before or after it is copied."""

    _before: Callable[[], object] | None
    _after: Callable[[], object] | None

    def __init__(self, home: Path, *, before: Callable[[], object] | None, after: Callable[[], object] | None) -> None:
        super().__init__(home)
        object.__setattr__(self, "_before", before)
        object.__setattr__(self, "_after", after)

    def keep_file(self, delivered: BinaryIO, *, require_whole: Callable[[], None]) -> str:
        def meddled() -> None:
            if self._after:
                self._after()
            require_whole()

        if self._before:
            self._before()
        return super().keep_file(delivered, require_whole=meddled)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    with open_warehouse(tmp_path / "warehouse.duckdb") as warehouse:
        yield Home(tmp_path, warehouse)


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def test_a_source_that_cannot_be_read_keeps_nothing_from_the_others(home: Home, tmp_path: Path) -> None:
    sources = tmp_path / "sources"
    shutil.copytree(CHECKOUT / "data" / "sources", sources)
    (sources / "a_broken_one.yml").write_text("name: [", encoding="utf-8")
    for name in ("a_broken_one", SOURCE):
        (tmp_path / "all" / name).mkdir(parents=True)
    shutil.copy(home.file, tmp_path / "all" / SOURCE)

    report = home.lander(Lake(home.path), sources).land_inbox(tmp_path / "all")

    assert report.file_count == 1
    assert [left for left in report.left if left.startswith("a_broken_one: Source description")]


def test_a_second_name_for_one_content_is_said_where_names_are_data(home: Home, tmp_path: Path) -> None:
    folder = tmp_path / "all" / "eia930_load"
    folder.mkdir(parents=True)
    for name in ("DUK", "HST"):
        (folder / f"{name}.parquet").write_bytes(b"the same, and no Parquet")

    first, again = (home.lander(Lake(home.path)).land("eia930_load", [folder]) for _ in range(2))

    said = "eia930_load/HST.parquet: has the content of DUK.parquet and is not landed; its name would say other data"
    assert [each.file_name for each in first.rejected] == ["DUK.parquet"]
    assert said in first.left
    assert said in again.left


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_file_that_is_written_while_it_is_copied_lands_when_it_is_whole(home: Home, moment: str) -> None:
    moments: dict[str, Callable[[], object] | None] = {"before": None, "after": None}
    moments[moment] = lambda: home.file.write_bytes(LATER)

    while_written = home.land(MeddledLake(home.path, **moments))
    files_then, kept_then = (
        home.ledger_files(),
        [each for each in (home.path / "lake" / "files").rglob("*") if each.is_file()],
    )
    home.land(Lake(home.path))

    said = "scada_mms_incidents/grenoble_incidents.csv: is still being written and is taken when it is whole"
    assert while_written.left == (said,)
    assert (files_then, kept_then) == ([], [])
    assert home.landed() == ([sha256(LATER)], ["GICS-2", "GICS-3", "GICS-4", "GICS-9"])
    assert Lake(home.path).file_path(sha256(LATER)).read_bytes() == LATER


def test_a_young_file_is_waited_for_and_a_whole_one_taken(home: Home) -> None:
    lander = home.lander(Lake(home.path), settle_seconds=0.5)
    half = threading.Timer(0.1, lambda: home.file.write_bytes(DELIVERED[:-40]))
    home.file.touch()

    half.start()
    while_written = lander.land(SOURCE, [home.file.parent])
    half.join()
    home.file.write_bytes(DELIVERED)
    whole = lander.land(SOURCE, [home.file.parent])

    assert while_written.left
    assert whole.left == ()
    assert home.landed()[0] == [sha256(DELIVERED)]


def test_a_named_file_that_is_being_written_is_an_error(home: Home) -> None:
    lake = MeddledLake(home.path, before=None, after=lambda: home.file.write_bytes(LATER))

    with pytest.raises(UsageError, match=r"grenoble_incidents\.csv is still being written"):
        home.land(lake, home.file)


def test_a_link_that_takes_the_place_of_a_file_is_not_read(home: Home, tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_bytes(LATER)

    def swap() -> None:
        home.file.unlink()
        home.file.symlink_to(secret)

    home.land(MeddledLake(home.path, before=swap, after=None))

    assert home.landed() == ([sha256(DELIVERED)], ["GICS-1", "GICS-2", "GICS-3", "GICS-4"])


@pytest.mark.parametrize("kind", ["link", "pipe"])
def test_what_became_something_else_since_it_was_listed_is_not_opened(home: Home, kind: str) -> None:
    home.file.unlink()
    if kind == "pipe":
        os.mkfifo(home.file)
    else:
        home.file.symlink_to(__file__)

    with pytest.raises(UnopenedFileError, match="no file any more"), opened(home.file, below=home.file.parent):
        pass


def test_a_folder_that_became_a_link_since_it_was_listed_is_not_entered(home: Home, tmp_path: Path) -> None:
    inside, elsewhere = home.file.parent / "2024" / home.file.name, tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / home.file.name).write_bytes(LATER)
    inside.parent.symlink_to(elsewhere)

    with pytest.raises(UnopenedFileError, match="no file any more"), opened(inside, below=home.file.parent):
        pass


def test_a_file_that_must_not_be_read_is_said_and_when_it_was_named_an_error(
    home: Home, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(delivery_folders, "_descriptor", refuse)

    found = home.land(Lake(home.path))
    with pytest.raises(UsageError, match=r"grenoble.* must not be read"):
        home.land(Lake(home.path), home.file)

    assert found.left == ("scada_mms_incidents/grenoble_incidents.csv: must not be read by this account",)


def test_a_lake_that_cannot_be_written_fails_the_landing(home: Home) -> None:
    (home.path / "lake").mkdir(exist_ok=True)
    (home.path / "lake" / "files").write_text("not a folder")

    with pytest.raises(OSError, match="files"):
        home.land(Lake(home.path))


def test_a_link_named_by_the_operator_is_followed_and_known_content_is_not_copied_again(home: Home) -> None:
    link = home.path / "grenoble_incidents.csv"
    link.symlink_to(home.file)

    first, second = home.land(Lake(home.path), link), home.land(Lake(home.path), home.file)

    assert (first.file_count, second.file_count, second.known_count) == (1, 0, 1)
    assert home.landed()[0] == [sha256(DELIVERED)]
    assert [path.name for path in (home.path / "lake" / "files").rglob("*") if path.is_file()] == [sha256(DELIVERED)]
