"""What lies in an inbox and is no delivery (RELIABILITY F5): links, pipes, sockets, names nobody can read."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from flows.errors import ConfigurationError, SourceError
from flows.sources.configuration import Delivery, delivered_files, load_source
from flows.sources.delivery_folders import odd_entries, regular_files
from tests.flows.sources.conftest import Desk


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A delivery folder with one good file, deep inside."""
    folder = tmp_path / "inbox" / "test_load"
    (folder / "2026").mkdir(parents=True)
    (folder / "2026" / "load.csv").write_text("series,time,mw\n")
    return folder


def test_nothing_behind_a_link_is_delivered(folder: Path, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "passwords.csv").write_text("series,time,mw\n")
    (folder / "one.csv").symlink_to(secret / "passwords.csv")
    (folder / "all").symlink_to(secret)
    (folder / "up").symlink_to("..")
    (folder / "gone.csv").symlink_to("nowhere.csv")
    (folder / "zero.csv").symlink_to("/dev/zero")

    assert regular_files(folder) == [folder / "2026" / "load.csv"]
    assert odd_entries(folder) == [
        (name, "a symbolic link") for name in ("all", "gone.csv", "one.csv", "up", "zero.csv")
    ]


def test_pipes_sockets_and_devices_are_never_opened(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(folder / "pipe.csv")
    monkeypatch.chdir(folder)  # a socket's path is short by law
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.csv")

        assert regular_files(folder) == [folder / "2026" / "load.csv"]
        assert odd_entries(folder) == [("pipe.csv", "a named pipe"), ("socket.csv", "a socket")]


@pytest.mark.parametrize("device", ["/dev/null", "/dev/zero"])
def test_a_device_or_pipe_named_by_a_person_is_refused(desk: Desk, device: str) -> None:
    with pytest.raises(SourceError, match="neither a file nor a folder"):
        delivered_files(desk.source(), [Path(device)])


@pytest.mark.parametrize("name", [b"a\nb.csv", b"a\x1b[2J.csv", b"a\xff.csv"])
def test_a_name_that_cannot_be_printed_is_left_lying_and_said_readably(desk: Desk, folder: Path, name: bytes) -> None:
    path = Path(os.fsdecode(os.fsencode(folder) + b"/" + name))
    path.write_text("series,time,mw\n")

    ((shown, reason),) = odd_entries(folder)

    assert regular_files(folder) == [folder / "2026" / "load.csv"]
    assert shown.isprintable()
    assert shown.encode()
    assert "cannot be printed" in reason
    with pytest.raises(SourceError, match="cannot be printed"):
        delivered_files(desk.source(), [path])


@pytest.mark.parametrize(
    "name", ["..csv", "~.csv", "%2e%2e%2f.csv", "..\\..\\a.csv", "-rf.csv", "load [a]*?.csv", "';--.csv"]
)
def test_an_odd_name_is_only_a_name(desk: Desk, folder: Path, name: str) -> None:
    (folder / name).write_text("series,time,mw\nA,2026-01-01T00:00:00Z,1\n")

    (file,) = (each for each in delivered_files(desk.source(), [folder]) if each.name == name)
    (row,) = desk.land(file, desk.source())

    assert row["_source_file"] == name
    assert all(table.path.parent.parent == desk.folder for table in desk.landed)


def test_a_pattern_that_leaves_the_folder_is_refused(desk: Desk, tmp_path: Path) -> None:
    document = desk.source().deliveries[0].model_dump(by_alias=True) | {"files": ("../other/*.csv",)}

    with pytest.raises(ValueError, match="without folders"):
        Delivery.model_validate(document)
    with pytest.raises(ConfigurationError, match=r"No source '\.\./sources/sample'"):
        load_source("../sources/sample", tmp_path)
