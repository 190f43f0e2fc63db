"""Made-up polling traffic with attacks, and the published captures with their documented attacks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

DAY = "2024-01-01"
WINDOW = pd.Timedelta(seconds=60)

# SOURCE_mms_Readme.md of the data set: first and last hostile packet, time of day
ATTACKS = {
    "gics-normal": (),
    "gics-modified": (
        ("07:26:31.45", "07:26:32.45"),
        ("07:27:11.45", "07:27:12.45"),
        ("08:10:51.44", "08:13:51.44"),
    ),
    "gics-scanning": (("07:50:41.51", "07:53:01.51"),),
}


@dataclass(frozen=True)
class Traffic:
    """Windows and symbols of one or more captures."""

    windows: pd.DataFrame
    symbols: pd.DataFrame


def to_traffic(messages: pd.DataFrame, *, network_id: str, capture_id: str, protocol: str) -> Traffic:
    """Fold messages (at, symbol, object_id, source, length_bytes, is_hostile) into windows."""
    messages = messages.assign(
        window_start_at=messages["at"].dt.floor("60s"), gap_seconds=messages["at"].diff().dt.total_seconds()
    )
    windows = messages.groupby("window_start_at", as_index=False).agg(
        message_count=("at", "size"),
        distinct_service_count=("symbol", "nunique"),
        distinct_object_count=("object_id", "nunique"),
        distinct_source_count=("source", "nunique"),
        mean_length_bytes=("length_bytes", "mean"),
        max_length_bytes=("length_bytes", "max"),
        mean_gap_seconds=("gap_seconds", "mean"),
        is_incident=("is_hostile", "any"),
    )
    symbols = messages.groupby(["window_start_at", "symbol"], as_index=False).agg(message_count=("at", "size"))
    keys: dict[str, Any] = {"network_id": network_id, "capture_id": capture_id, "is_fallback": False}
    return Traffic(
        windows.assign(**keys, protocol=protocol, available_at=windows["window_start_at"] + WINDOW),
        symbols.assign(**keys, available_at=symbols["window_start_at"] + WINDOW),
    )


def joined(parts: list[Traffic]) -> Traffic:
    return Traffic(
        pd.concat([part.windows for part in parts], ignore_index=True),
        pd.concat([part.symbols for part in parts], ignore_index=True),
    )


@pytest.fixture(scope="session")
def make_capture() -> Callable[..., Traffic]:
    """Make a capture of polling with reads, reports and, in hostile minutes, writes."""

    def make(capture_id: str, *, minutes: int = 200, hostile: tuple[int, ...] = (), flood: bool = False) -> Traffic:
        generator = np.random.default_rng(sum(capture_id.encode()))
        start = pd.Timestamp(DAY, tz="UTC")
        minute = np.repeat(np.arange(minutes), 30)
        is_report = generator.random(len(minute)) < 0.6
        rows = pd.DataFrame(
            {
                "at": start + pd.to_timedelta(60 * minute + 2 * np.tile(np.arange(30), minutes), unit="s"),
                "symbol": np.where(is_report, "report|", np.where(np.arange(len(minute)) % 2, "0|1", "1|1")),
                "object_id": "O1",
                "source": "10.0.0.1",
                "length_bytes": generator.normal(400, 20, len(minute)),
                "is_hostile": False,
            }
        )
        is_attacked = np.isin(minute, hostile)
        if flood:
            rows = pd.concat([rows, *[rows[is_attacked]] * 5], ignore_index=True).sort_values("at")
            is_attacked = rows["at"].dt.floor("60s").isin(start + pd.to_timedelta(60 * np.array(hostile), unit="s"))
        else:
            rows.loc[is_attacked & (rows.index % 6 == 0), "symbol"] = "0|5"
        rows["is_hostile"] = np.asarray(is_attacked)
        return to_traffic(rows, network_id="SIM", capture_id=capture_id, protocol="mms")

    return make


@pytest.fixture(scope="session")
def gics(shared_data: Path) -> Traffic:
    """The three captures of the G-ICS lab."""
    folder = shared_data / "scada_mms_iec104"
    return joined([_read_mms(folder / f"{name}.csv.gz", name) for name in ATTACKS])


def _read_mms(path: Path, capture_id: str) -> Traffic:
    rows = pd.read_csv(path, sep=";", dtype=str)
    first_at = pd.Timestamp(f"{DAY} {rows['TimeStamp'].iloc[0]}", tz="UTC")
    seconds = rows["Relative Time"].astype(float)
    at = first_at + pd.to_timedelta(seconds - seconds.iloc[0], unit="s")
    is_hostile = pd.Series(data=False, index=rows.index)
    for begin, end in ATTACKS[capture_id]:
        begins, ends = (pd.Timestamp(f"{DAY} {clock}", tz="UTC") for clock in (begin, end))
        is_hostile |= (at >= begins.floor("60s")) & (at < ends.floor("60s") + WINDOW)
    messages = pd.DataFrame(
        {
            "at": at,
            "symbol": rows["MMS Type"].fillna("") + "|" + rows["MMS Service"].fillna(""),
            "object_id": rows["Domain Id"].fillna("") + "/" + rows["Item Id"].fillna(""),
            "source": rows["srcIP"],
            "length_bytes": rows["ipLen"].astype(float),
            "is_hostile": is_hostile,
        }
    )
    return to_traffic(messages, network_id="GICS", capture_id=capture_id, protocol="mms")
