"""A whole utility is lost and comes back from its backup (RELIABILITY D5-D7); prints what that took."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import pytest

from tests.e2e.homes import Home

pytestmark = pytest.mark.slow


def parquet_hashes(home: Home) -> dict[str, str]:
    folder = home.path / "published" / "tables"
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in sorted(folder.glob("*.parquet"))}


def test_a_utility_comes_back_on_a_host_that_has_nothing(tiny_copy: Home, tmp_path: Path) -> None:
    tables, files = tiny_copy.table_hashes(), parquet_hashes(tiny_copy)
    backup = tiny_copy.json("backup", "--to", str(tmp_path / "backups"))
    again = tiny_copy.json("backup", "--to", str(tmp_path / "backups"))
    shutil.rmtree(tiny_copy.path)

    restored = tiny_copy.json("restore", "--from", str(tmp_path / "backups"))
    served = tiny_copy.table_hashes()
    (tiny_copy.snapshot).unlink()
    shutil.rmtree(tiny_copy.path / "published" / "tables")
    rebuilt = tiny_copy.json("rebuild")
    run = tiny_copy.json("run")
    verified = tiny_copy.json("audit", "verify", "--data")

    print({"backup": backup, "again": again, "restored": restored, "rebuilt_seconds": rebuilt["seconds"]})
    assert served == tables, "readers are served before anything is made again"
    assert rebuilt["status"] == "COMPLETE", (rebuilt["failed"], rebuilt["blocked"])
    assert tiny_copy.table_hashes() == tables
    assert parquet_hashes(tiny_copy) == files
    assert not [key for key in rebuilt["materialized"] if key.startswith("ml/")]
    assert (run["status"], run["materialized"]) == ("COMPLETE", [])
    assert verified["ok"], verified["reason"]
    assert again["new_files"] <= 3, "a second backup copies nothing of lake, evidence and models"
