from __future__ import annotations

from pathlib import Path

import pytest

from flows.engine.recovery.backup_store import BackupStore, Manifest


def write(store: BackupStore, day: int) -> Manifest:
    return store.write(
        created_at=f"2026-03-{day:02}T00:00:00.000000Z", ledger_entries=1, home_id="a", files=(), tables={}
    )


@pytest.mark.parametrize(("kept", "days"), [(1, [2]), (2, [2, 8]), (3, [2, 5, 8]), (9, [2, 5, 8])])
def test_the_backup_just_made_stays_though_the_clock_went_back(tmp_path: Path, kept: int, days: list[int]) -> None:
    store = BackupStore(tmp_path)
    by_day = {day: write(store, day) for day in (5, 8, 2)}

    dropped = store.drop_older(kept, by_day[2])

    assert store.backup_ids() == tuple(by_day[day].backup_id for day in days)
    assert set(dropped) == {each.backup_id for day, each in by_day.items() if day not in days}
