"""Extracts of a large utility for bench_transform.py, in the formats of the simulator, written by DuckDB.

What lives here: delivered files of telemetry, register and weather. What does not: runs and figures.

Decision: no call of the simulator. It holds arrays of all readings and draws physics for each; 70 million rows take it
hours. What is drawn here costs minutes and has the same columns, the same defects in the same shares (late and revised
rows, rows without a key, of nobody, with bad flags, spikes, oil in degF) and daily cycles the thermal model accepts.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2024, 1, 1)  # noqa: DTZ001 - historians deliver UTC without saying so
STATIONS = 5

_TELEMETRY = """
with hourly as (
    select range as unit, unnest(range(timestamp '{first}', timestamp '{last}', interval 1 hour)) as ts
    from range({units})
),
drawn as (
    select unit, ts, hash(unit, ts) as h, hash(ts, unit) as g, 10 + unit % 40 as rated,
        0.55 + 0.2 * sin((hour(ts) - 9) * 0.2618) + 0.05 * ((hash(unit, ts, 1) % 1000) / 1000.0 - 0.5) as share
    from hourly
),
read_out as (
    select 'T' || lpad((unit + 1)::varchar, 5, '0') as ASSET, ts as TS_UTC, h, rated, share,
        12 + 8 * sin((hour(ts) - 9) * 0.2618) + 55 * pow((share * share * 6.5 + 1) / 7.5, 0.8)
            + 2 * ((h >> 20) % 1000) / 1000.0 as oil,
        ts + to_seconds(8 + (h % 80)::int) as received, (g % 1000) / 1000.0 as noise
    from drawn
),
delivered as (
    select
        case when h % 2000 = 1 then null when h % 2000 = 2 then 'X' || (h % 97) else ASSET end as ASSET, TS_UTC,
        round(rated * share * if(h % 1000 = 3, 4, 1), 3) as MVA,
        round(if(h % 1500 = 4, oil * 1.8 + 32, oil), 3) as TOP_OIL_C, round(1.5 + noise * 0.3, 3) as VIB_MM_S,
        round(45 + 5 * noise, 3) as H2_PPM, round(28 + 3 * noise, 3) as CH4_PPM, round(24 + 3 * noise, 3) as C2H6_PPM,
        round(18 + 2 * noise, 3) as C2H4_PPM, round(0.4 + 0.1 * noise, 3) as C2H2_PPM,
        if(h % 250 = 5, '04', '01') as FLAGS, received as RECEIVED_UTC, h
    from read_out
)
select * exclude (h) from delivered
where h % 100 <> 9 or TS_UTC < timestamp '{late_from}'
union all
-- revised half a day later
select * exclude (h) replace (MVA * 1.01 as MVA, RECEIVED_UTC + interval 12 hour as RECEIVED_UTC) from delivered
where h % 170 = 6 and TS_UTC < timestamp '{late_from}'
"""

_LATE = """
select * replace (RECEIVED_UTC + interval 2 day as RECEIVED_UTC) from ({rows})
where hash(ASSET, TS_UTC, 'late') % 100 = 0
"""


def write_register(inbox: Path, *, units: int) -> None:
    """Write register, substations and feeders: every unit at one of as many substations as there are stations."""
    _csv(
        inbox / "simulator_eam" / "transformers.csv",
        f"""select 'T' || lpad((range + 1)::varchar, 5, '0') as ASSET_ID,
            'SUB' || lpad((range % {STATIONS} + 1)::varchar, 2, '0') as SUBSTATION_ID, null as FEEDER_ID,
            'Ostwald' as MANUFACTURER, 10 + range % 40 as RATED_MVA, 55 as RATED_TOP_OIL_RISE_K,
            'ONAN' as COOLING_CODE, 42.6 as LATITUDE, -73.8 as LONGITUDE, '16.07.2005' as IN_SERVICE,
            null as RETIRED, '2023-01-11T08:02:27Z' as LAST_UPDATED from range({units})""",
        delimiter=";",
    )
    _csv(
        inbox / "simulator_gis" / "substations.csv",
        f"""select 'SUB' || lpad((range + 1)::varchar, 2, '0') as SUBSTATION_ID, 'Sub ' || range as SUBSTATION_NAME,
            'WS' || range as STATION_ID, 115 as PRIMARY_VOLTAGE_KV, 42.7 as LATITUDE, -74.1 as LONGITUDE
            from range({STATIONS})""",
    )


def write_weather(inbox: Path, first: datetime, last: datetime) -> None:
    """Write hourly observations of all stations as one file."""
    _csv(
        inbox / "simulator_weather_observations" / f"observations_{first:%Y-%m-%d}.csv",
        f"""select 'WS' || range as station, unnest(range(timestamp '{first}', timestamp '{last}', interval 1 hour))
            as valid_utc, round((12 + 8 * sin((hour(valid_utc) - 9) * 0.2618)
            + (hash(range, valid_utc) % 100) / 100.0) * 1.8 + 32, 2) as tmpf, 60.5 as relh, 7.2 as wind_mph,
            null as gust_mph, 0.0 as p01i, valid_utc + interval 11 minute as received_utc from range({STATIONS})""",
    )


def write_telemetry(inbox: Path, first: datetime, last: datetime, *, units: int, name: str, with_late: int = 0) -> None:
    """Write telemetry of all units as one file.

    Args:
        inbox: Inbox of the home.
        first: First moment.
        last: First moment after it.
        units: Transformers.
        name: Ending of the file's name.
        with_late: Days before the first of which some rows come late with this file.
    """
    target = inbox / "simulator_historian_transformers" / f"transformers_{name}.parquet"
    target.parent.mkdir(parents=True, exist_ok=True)
    rows = _TELEMETRY.format(first=first, last=last, units=units, late_from=last)
    if with_late:
        before = _TELEMETRY.format(first=first - timedelta(days=with_late), last=first, units=units, late_from=first)
        rows = f"({rows}) union all ({_LATE.format(rows=before)})"
    with duckdb.connect() as connection:
        connection.execute(f"copy ({rows}) to '{target}' (format parquet, compression zstd)")


def _csv(target: Path, select: str, delimiter: str = ",") -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        connection.execute(f"copy ({select}) to '{target}' (header, delimiter '{delimiter}')")
