"""Files as the source systems write them: their formats, units, clocks and names.

What lives here: from canonical feeds to CSV and Parquet in the inbox. What does not: how they are read back,
which is `data/sources/simulator_*.yml`; a change of format here is a change there.
"""

from __future__ import annotations

import gzip
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from flows.sources.simulator.files_control import alarm_file, estimate_file
from flows.sources.simulator.files_points import inspection_file, interval_file, point_file, segment_file
from flows.sources.simulator.network import ZONE_ID
from flows.sources.simulator.scada_traffic import CAPTURE_ID
from flows.sources.simulator.telemetry import QUANTITIES, telemetry_rows
from flows.sources.simulator.timeline import LOCAL_TIME_ZONE, Timeline

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from flows.sources.simulator.condition import Fleet
    from flows.sources.simulator.feeds import Feeds
    from flows.sources.simulator.network import Network
    from flows.sources.simulator.telemetry import Telemetry

MPH_PER_MPS = 2.2369362920544
MM_PER_INCH = 25.4
TRAFFIC_FILE_DAYS = 7
_GZIP_LEVEL = 4


def write_csv(frame: pd.DataFrame, path: Path, *, delimiter: str = ",") -> int:
    """Write a CSV, gzip when the name says so, byte-identical for identical frames.

    Returns:
        Data rows written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    table = pa.Table.from_pandas(frame, preserve_index=False)
    # pyarrow's "needed" quotes every text; real systems quote none unless a text holds the delimiter.
    texts = frame.select_dtypes(include=["object", "str"])
    needs_quotes = any(texts[name].str.contains(f'[{delimiter}"\n]', regex=True, na=False).any() for name in texts)
    style = "needed" if needs_quotes else "none"
    options = pa_csv.WriteOptions(delimiter=delimiter, quoting_style=style, quoting_header="none")
    if path.name.endswith(".gz"):
        # mtime 0: the same simulation gives the same bytes, so a second landing is a no-op.
        with path.open("wb") as raw, gzip.GzipFile("", "wb", _GZIP_LEVEL, raw, mtime=0) as stream:
            pa_csv.write_csv(table, stream, options)
    else:
        pa_csv.write_csv(table, path, options)
    return len(frame)


def write_parquet(columns: dict[str, object] | pd.DataFrame, path: Path) -> int:
    """Write a Parquet file and return its rows."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(columns, pd.DataFrame):
        table = pa.Table.from_pandas(columns, preserve_index=False)
    else:
        table = pa.table(columns)
    pq.write_table(table, path, compression="zstd", use_dictionary=True)
    return int(table.num_rows)


def write_inbox(feeds: Feeds, *, inbox: Path, timeline: Timeline, network: Network, fleet: Fleet) -> dict[str, int]:
    """Write all files of all systems.

    Returns:
        File (source/name) to data rows.
    """
    frames = feeds.frames
    written: dict[str, int] = {}

    def csv(source: str, name: str, frame: pd.DataFrame, delimiter: str = ",") -> None:
        written[f"{source}/{name}"] = write_csv(frame, inbox / source / name, delimiter=delimiter)

    for raw_table, (time, source, name, file_of) in _MONTHLY_FILES.items():
        first = timeline.start_at if source == "simulator_oms" else None
        for month, part in _by_month(frames[raw_table], time, first=first):
            csv(source, name.format(month=month), file_of(part))
    for month, part in _by_month(frames["weather_forecasts"], "issued_at"):
        name = f"forecasts_{month}.parquet"
        written[f"simulator_weather_forecasts/{name}"] = write_parquet(
            part, inbox / "simulator_weather_forecasts" / name
        )
    for day, part in _by_days(frames["scada_events"], TRAFFIC_FILE_DAYS):
        csv("simulator_scada_traffic", f"iec104_{day}.csv.gz", _traffic_file(part))
    csv("simulator_soc", "incidents.csv", _incident_file(frames["soc_incidents"]))
    csv("simulator_calendar", "holidays.csv", _calendar_file(frames["calendar_days"]))
    csv("simulator_eam", "transformers.csv", _register_file(frames["eam_transformers"]), ";")
    csv("simulator_eam", "work_orders.csv", _work_order_file(frames["eam_work_orders"]), ";")
    csv("simulator_cis", "customers.csv.gz", _upper(frames["cis_customers"]))
    csv("simulator_gis", "substations.csv", _upper(network.substations))
    hidden = ["station_index", "residential_share", "customers_count"]
    csv("simulator_gis", "feeders.csv", _upper(network.feeders.drop(columns=hidden)))
    csv("simulator_gis", "switches.csv", _upper(network.switches))
    csv("simulator_gis", "segments.csv", segment_file(frames["gis_segments"]))
    csv("simulator_vegetation", "inspections.csv", inspection_file(frames["vegetation_inspections"]))
    written |= _write_telemetry(feeds.telemetry, inbox=inbox, timeline=timeline, fleet=fleet)
    return written


def _by_month(
    frame: pd.DataFrame, column: str, *, first: np.datetime64 | None = None
) -> list[tuple[str, pd.DataFrame]]:
    """Split by UTC month; what lies before `first`, or is no plausible month, goes to "history"."""
    months = frame[column].to_numpy().astype("datetime64[M]")
    names = np.datetime_as_string(months)
    if first is not None:
        names = np.where(frame[column].to_numpy() < first, "history", names)
    return [(str(name), frame[names == name]) for name in np.unique(names)]


def _by_days(frame: pd.DataFrame, days: int) -> list[tuple[str, pd.DataFrame]]:
    """Split by runs of days, named by the first."""
    day = frame["event_at"].to_numpy().astype("datetime64[D]")
    run = (day - day.min()).astype(int) // days
    return [(str(day.min() + int(number) * days), frame[run == number]) for number in np.unique(run)]


def _text(times: np.ndarray, unit: str = "s") -> np.ndarray:
    """Write instants as ISO 8601 with a Z; NaT becomes an empty cell."""
    texts = np.datetime_as_string(times.astype(f"datetime64[{unit}]"), timezone="UTC").astype(object)
    texts[np.isnat(times)] = None
    return np.asarray(texts)


def _local_text(times: np.ndarray, pattern: str) -> np.ndarray:
    """Write instants on the local clock; formatted once per distinct instant."""
    distinct, inverse = np.unique(times.astype("datetime64[s]"), return_inverse=True)
    local = pd.DatetimeIndex(distinct, tz="UTC").tz_convert(LOCAL_TIME_ZONE)
    return np.asarray(local.strftime(pattern).to_numpy()[inverse])


def _upper(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with upper-case headers, as the GIS and CIS export them."""
    return frame.rename(columns=str.upper)


def _yes_no(flags: pd.Series) -> np.ndarray:
    """Write flags as Y and N."""
    return np.where(flags.to_numpy().astype(bool), "Y", "N")


def _load_file(part: pd.DataFrame) -> pd.DataFrame:
    """Historian: local clock, each hour named by its end."""
    ends = part["interval_start_at"].to_numpy() + np.timedelta64(1, "h")
    texts = _local_text(ends, "%m/%d/%Y %H:%M")
    if "clock_text" in part:
        texts = np.where(part["clock_text"].notna(), part["clock_text"], texts)
    return pd.DataFrame(
        {
            "SERIES": part["series_id"],
            "TYPE": part["series_type"],
            "HOUR_ENDING": texts,
            "MW": part["load_mw"],
            "QUALITY": part["quality_code"],
            "RECEIVED": _text(part["received_at"].to_numpy()),
            "OPERATOR_FORECAST_MW": part["operator_forecast_mw"],
        }
    )


def _observation_file(part: pd.DataFrame) -> pd.DataFrame:
    """Weather service: US units, gust blank when none."""
    return pd.DataFrame(
        {
            "station": part["station_id"],
            "valid_utc": _local_free(part["observed_at"].to_numpy()),
            "tmpf": (part["temperature_degc"] * 1.8 + 32.0).round(2),
            "relh": part["relative_humidity_pct"],
            "wind_mph": (part["wind_speed_mps"] * MPH_PER_MPS).round(2),
            "gust_mph": (part["wind_gust_mps"] * MPH_PER_MPS).round(2),
            "p01i": (part["precipitation_mm"] / MM_PER_INCH).round(4),
            "received_utc": _local_free(part["received_at"].to_numpy()),
        }
    )


def _local_free(times: np.ndarray) -> np.ndarray:
    """Write instants as UTC clock readings without any zone."""
    texts = np.datetime_as_string(times.astype("datetime64[s]")).astype(object)
    return np.asarray(np.char.replace(texts.astype(str), "T", " "))


def _price_file(part: pd.DataFrame) -> pd.DataFrame:
    """Market: delivery day, hour label 01:00 to 24:00, and a flag for the repeated hour."""
    starts = part["interval_start_at"].to_numpy().astype("datetime64[s]")
    local = pd.DatetimeIndex(starts, tz="UTC").tz_convert(LOCAL_TIME_ZONE)
    reading = local.tz_localize(None)
    earlier = (pd.DatetimeIndex(starts, tz="UTC") - pd.Timedelta(hours=1)).tz_convert(LOCAL_TIME_ZONE)
    is_second = reading == earlier.tz_localize(None)
    return pd.DataFrame(
        {
            "DELIVERY_DATE": reading.strftime("%m/%d/%Y"),
            "HOUR_ENDING": [f"{hour + 1:02d}:00" for hour in reading.hour],
            "DST_FLAG": np.where(is_second, "Y", "N"),
            "ZONE": ZONE_ID,
            "DA_LMP": part["day_ahead_price_usd_per_mwh"].to_numpy(),
            "RT_LMP": part["real_time_price_usd_per_mwh"].to_numpy(),
        }
    )


def _outage_file(part: pd.DataFrame) -> pd.DataFrame:
    """Outage management: UTC stamps, planned as Y and N."""
    times = {
        "START": "started_at",
        "FIRST_CALL": "first_reported_at",
        "RESTORED": "restored_at",
        "FIRST_ETR": "first_estimated_restoration_at",
    }
    columns: dict[str, object] = {
        "OUTAGE_NO": part["outage_id"].to_numpy(),
        "FEEDER": part["feeder_id"].to_numpy(),
        "DEVICE": part["asset_id"].to_numpy(),
        **{header: _text(part[column].to_numpy()) for header, column in times.items()},
        "CUSTOMERS": part["customers_out_count"].to_numpy(),
        "CAUSE": part["cause_text"].to_numpy(),
        "PLANNED": _yes_no(part["is_planned"]),
        "LAT": part["latitude"].to_numpy(),
        "LON": part["longitude"].to_numpy(),
    }
    return pd.DataFrame(columns)


def _restoration_file(part: pd.DataFrame) -> pd.DataFrame:
    """Outage management: one row per restoration step, UTC stamps."""
    return pd.DataFrame(
        {
            "OUTAGE_NO": part["outage_id"].to_numpy(),
            "START": _text(part["started_at"].to_numpy()),
            "STEP_NO": part["step_number"].to_numpy(),
            "RESTORED": _text(part["restored_at"].to_numpy()),
            "CUSTOMERS_RESTORED": part["customers_restored_count"].to_numpy(),
        }
    )


def _traffic_file(part: pd.DataFrame) -> pd.DataFrame:
    """Network tap: microsecond stamps, numbers of the standard."""
    return pd.DataFrame(
        {
            "capture": CAPTURE_ID,
            "time_utc": _text(part["event_at"].to_numpy(), "us"),
            "src_ip": part["source_address"],
            "dst_ip": part["destination_address"],
            "src_port": part["source_port"],
            "dst_port": part["destination_port"],
            "ip_len": part["length_bytes"],
            "asdu_type": part["message_type"],
            "cot": part["service"],
            "ioa": part["object_id"],
        }
    )


def _incident_file(incidents: pd.DataFrame) -> pd.DataFrame:
    """Security operations centre: confirmed incidents."""
    return pd.DataFrame(
        {
            "INCIDENT": incidents["incident_id"],
            "CAPTURE": CAPTURE_ID,
            "FIRST_MESSAGE": _text(incidents["started_at"].to_numpy(), "us"),
            "LAST_MESSAGE": _text(incidents["ended_at"].to_numpy(), "us"),
            "CLASS": incidents["attack_type"],
        }
    )


def _calendar_file(days: pd.DataFrame) -> pd.DataFrame:
    """Calendar: one row per local day."""
    return pd.DataFrame(
        {
            "DATE": days["local_date"].dt.strftime("%Y-%m-%d"),
            "HOLIDAY": _yes_no(days["is_holiday"]),
            "NAME": days["holiday_name"].astype(object).where(days["holiday_name"].notna(), None),
        }
    )


def _register_file(register: pd.DataFrame) -> pd.DataFrame:
    """Asset management: semicolons, day-first dates."""
    days = {"installed_on": "IN_SERVICE", "retired_on": "RETIRED"}
    columns: dict[str, object] = {
        column.upper(): register[column].to_numpy()
        for column in register.columns
        if column not in {*days, "updated_at"}
    }
    for column, header in days.items():
        texts = register[column].dt.strftime("%d.%m.%Y").astype(object)
        columns[header] = texts.where(register[column].notna(), None)
    columns["LAST_UPDATED"] = _text(register["updated_at"].to_numpy())
    return pd.DataFrame(columns)


def _work_order_file(orders: pd.DataFrame) -> pd.DataFrame:
    """Asset management: semicolons, UTC stamps."""
    return pd.DataFrame(
        {
            "WO": orders["work_order_id"],
            "ASSET": orders["asset_id"],
            "TYPE": orders["work_type"],
            "PROBLEM": orders["problem_code"],
            "OPENED": _text(orders["opened_at"].to_numpy()),
            "COMPLETED": _text(orders["completed_at"].to_numpy()),
            "COST_USD": orders["cost_usd"],
        }
    )


def _write_telemetry(telemetry: Telemetry, *, inbox: Path, timeline: Timeline, fleet: Fleet) -> dict[str, int]:
    """Historian: one Parquet file a month, ordered by time, then position; re-sent rows at the end."""
    written: dict[str, int] = {}
    asset_ids = fleet.asset_ids
    months = timeline.delivered_hours.astype("datetime64[M]")
    for month in np.unique(months):
        hours = np.flatnonzero(months == month)
        first = int(hours[0])
        hour, position = np.nonzero(telemetry.is_reported[:, first : first + len(hours)].T)
        columns = telemetry_rows(telemetry, timeline, asset_ids, position=position, hour=hour + first)
        if telemetry.extra is not None:
            is_month = months[telemetry.extra["hour"].to_numpy()] == month
            again = _extra_rows(telemetry, timeline, asset_ids, telemetry.extra[is_month])
            columns = {name: np.concatenate([values, again[name]]) for name, values in columns.items()}
        name = f"simulator_historian_transformers/transformers_{month}.parquet"
        written[name] = write_parquet(_arrow_columns(columns), inbox / name)
    return written


def _extra_rows(
    telemetry: Telemetry, timeline: Timeline, asset_ids: np.ndarray, extra: pd.DataFrame
) -> dict[str, np.ndarray]:
    """Return the columns of rows that are delivered besides the regular ones."""
    rows = telemetry_rows(
        telemetry, timeline, asset_ids,
        position=extra["position"].to_numpy(), hour=extra["hour"].to_numpy(),
    )  # fmt: skip
    for name in QUANTITIES:
        rows[name] = (rows[name] * extra["factor"].to_numpy()).round(3)
    other = extra["asset_id"].to_numpy().astype(object)
    rows["ASSET"] = np.where(other == "", rows["ASSET"], other)
    rows["RECEIVED_UTC"] = rows["RECEIVED_UTC"] + extra["late_seconds"].to_numpy().astype("timedelta64[s]")
    return rows


def _arrow_columns(columns: dict[str, np.ndarray]) -> dict[str, object]:
    """Return Arrow columns; texts as strings."""
    return {
        name: pa.array(values, type=pa.string()) if values.dtype.kind == "O" else pa.array(values)
        for name, values in columns.items()
    }


# Raw table to its time, source, file name and format, for systems that write a CSV a month.
_MONTHLY_FILES: dict[str, tuple[str, str, str, Callable[[pd.DataFrame], pd.DataFrame]]] = {
    "scada_load_readings": ("interval_start_at", "simulator_historian_load", "load_{month}.csv", _load_file),
    "weather_observations": (
        "observed_at", "simulator_weather_observations", "observations_{month}.csv", _observation_file,
    ),
    "market_prices": ("interval_start_at", "simulator_market", "prices_{month}.csv", _price_file),
    "oms_outages": ("started_at", "simulator_oms", "outages_{month}.csv.gz", _outage_file),
    "oms_restoration_steps": (
        "restored_at", "simulator_oms", "restoration_steps_{month}.csv.gz", _restoration_file,
    ),
    "oms_restoration_estimates": (
        "issued_at", "simulator_oms", "restoration_estimates_{month}.csv.gz", estimate_file,
    ),
    "scada_alarms": ("received_at", "simulator_alarms", "alarms_{month}.csv.gz", alarm_file),
    "ami_intervals": ("interval_start_at", "simulator_ami", "intervals_{month}.csv.gz", interval_file),
    "scada_measurements": ("measured_at", "simulator_historian_points", "points_{month}.csv.gz", point_file),
}  # fmt: skip
