"""Archives are not opened (RELIABILITY F5): whatever their names, they are rejected by their content and named."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile
from pathlib import Path

import pytest

from flows.errors import FileRejectedError
from tests.flows.sources.conftest import Desk

GOOD = b"series,time,mw\nA,2026-01-01T00:00:00Z,1\n"


def zipped(*names: str, link_to: str = "", content: bytes = GOOD) -> bytes:
    """A zip archive with entries of the given names, the last one a symbolic link when a target is given."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, content)
        if link_to:
            entry = zipfile.ZipInfo("link.csv")
            entry.create_system, entry.external_attr = 3, 0o120777 << 16
            archive.writestr(entry, link_to)
    return buffer.getvalue()


def tarred(kind: bytes, name: str = "load.csv") -> bytes:
    """A tar archive with one entry: a file, a link or a device."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.type, entry.linkname = kind, "/etc/passwd"
        archive.addfile(entry)
    return buffer.getvalue()


ARCHIVES = {
    "zip": (zipped("load.csv"), "a zip archive"),
    "zip-slip": (zipped("../../../etc/cron.d/load.csv"), "a zip archive"),
    "absolute": (zipped("/etc/cron.d/load.csv"), "a zip archive"),
    "link": (zipped(link_to="/etc/passwd"), "a zip archive"),
    "nested": (zipped("inner.zip", content=zipped("load.csv")), "a zip archive"),
    "many entries": (zipped(*(f"{number}.csv" for number in range(2_000)), content=b""), "a zip archive"),
    "empty": (zipped(), "an empty zip archive"),
    "tar": (tarred(tarfile.REGTYPE), "a tar archive"),
    "tar with a link": (tarred(tarfile.SYMTYPE), "a tar archive"),
    "tar with a device": (tarred(tarfile.CHRTYPE, "/dev/load.csv"), "a tar archive"),
    "bzip2": (bz2.compress(GOOD), "bzip2"),
    "xz": (lzma.compress(GOOD), "xz"),
    "gzip without its ending": (gzip.compress(GOOD), "gzip"),
}


def files_like_the_members(folder: Path) -> set[Path]:
    """Every file below that could have come out of an archive; servers of other tests write there too."""
    return {path for path in folder.rglob("*") if path.is_file() and path.suffix in {".csv", ".parquet", ".zip"}}


@pytest.mark.parametrize("name", ARCHIVES)
@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_an_archive_is_rejected_by_what_it_is(desk: Desk, name: str, form: str) -> None:
    content, kind = ARCHIVES[name]
    before = files_like_the_members(desk.folder.parent)

    with pytest.raises(FileRejectedError, match=f"is {kind}, which is not opened"):
        desk.land(desk.write(content, f"load.{form}"), desk.source(format=form))

    assert files_like_the_members(desk.folder.parent) - before == {desk.folder / f"load.{form}"}


@pytest.mark.parametrize("name", ["zip", "tar", "gzip without its ending"])
def test_an_archive_inside_a_gzip_is_rejected_too(desk: Desk, name: str) -> None:
    content, kind = ARCHIVES[name]

    with pytest.raises(FileRejectedError, match=f"gzip holds {kind}"):
        desk.land(desk.write(gzip.compress(content), "load.csv.gz"), desk.source())


def test_a_text_that_only_begins_like_an_archive_lands(desk: Desk) -> None:
    padded = "BZh,time,mw\n" + "A,2026-01-01T00:00:00Z,1\n" * 9 + "A" * 20 + "ustar,2026-01-01T00:00:00Z,1\n"
    assert padded.index("ustar") == 257

    rows = desk.land(desk.write(padded), desk.source(aliases={"BZh": "series"}))

    assert len(rows) == 10


def test_a_gzip_of_several_parts_is_one_text(desk: Desk) -> None:
    head, tail = GOOD[:20], GOOD[20:]

    rows = desk.land(desk.write(gzip.compress(head) + gzip.compress(tail), "load.csv.gz"), desk.source())

    assert len(rows) == 1
