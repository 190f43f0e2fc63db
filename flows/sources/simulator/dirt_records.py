"""Defects of records: load, weather, prices, outages, work orders, register, customers, traffic.

What lives here: one function per feed, each returns a new frame and notes what it did. What does not:
telemetry (`dirt_telemetry`), whole files (`dirt_files`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from flows.sources.simulator.dirt import draw_bursts, draw_count
from flows.sources.simulator.timeline import LOCAL_TIME_ZONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from flows.sources.simulator.dirt import DefectLog, DefectRates
    from flows.sources.simulator.timeline import Booleans, Floats, Integers

_NEVER = np.datetime64("NaT", "s")


@dataclass(frozen=True)
class _LoadGrid:
    """Load as a grid of series and hours; `frame` is the same, hour-major."""

    frame: pd.DataFrame
    load_mw: Floats
    quality: np.ndarray

    @property
    def shape(self) -> tuple[int, int]:
        return (self.load_mw.shape[0], self.load_mw.shape[1])


class RecordDirt:
    """Injects defects into record feeds.

    Args:
        generator: Source of randomness.
        rates: Scaled rates.
        log: Where defects are noted.
    """

    def __init__(self, generator: np.random.Generator, *, rates: DefectRates, log: DefectLog) -> None:
        self.generator = generator
        self.rates = rates
        self.log = log
        # Number of an outage before its number was re-used: what else names the outage follows.
        self.renumbered: dict[object, object] = {}

    def inject(self, frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
        """Return the feeds with defects; feeds without any rule stay as they are."""
        rules: dict[str, Callable[[pd.DataFrame], pd.DataFrame]] = {
            "scada_load_readings": self.load,
            "weather_observations": self.observations,
            "weather_forecasts": self.forecasts,
            "market_prices": self.prices,
            "oms_outages": self.outages,
            "eam_work_orders": self.work_orders,
            "eam_transformers": self.register,
            "cis_customers": self.customers,
            "scada_events": self.traffic,
            "oms_restoration_steps": self.restoration_steps,
        }
        return {name: rules[name](frame) if name in rules else frame for name, frame in frames.items()}

    def _some(self, frame: pd.DataFrame, share: float, *, at_least: int = 0) -> Integers:
        """Draw distinct row numbers."""
        count = min(draw_count(self.generator, share * len(frame), at_least=at_least), len(frame))
        return np.sort(self.generator.choice(len(frame), count, replace=False))

    def _duplicated(self, frame: pd.DataFrame, raw_table: str, entity: str, time: str | None) -> pd.DataFrame:
        """Deliver some rows twice, the copy right after the original."""
        rows = self._some(frame, self.rates.duplicate, at_least=1)
        self._note(raw_table, "duplicate", frame.iloc[rows], entity, time)
        order = np.sort(np.concatenate([np.arange(len(frame)), rows]), kind="stable")
        return frame.iloc[order].reset_index(drop=True)

    def _note(self, raw_table: str, defect_class: str, rows: pd.DataFrame, entity: str, time: str | None) -> None:
        times = rows[time].to_numpy() if time is not None else _NEVER
        self.log.record(raw_table, defect_class, rows[entity].to_numpy(), times)

    def load(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Gaps, stuck values, spikes, zeros, kW for MW, bad quality, the two odd hours, doubled and re-sent rows."""
        series = frame["series_id"].nunique()
        grid = _LoadGrid(
            frame=frame,
            load_mw=frame["load_mw"].to_numpy().reshape(-1, series).T.copy(),
            quality=np.full((series, len(frame) // series), "01", dtype=object),
        )
        gaps = draw_bursts(self.generator, grid.shape, share=self.rates.gap, median_hours=8, spread=1.3)
        is_missing = gaps.mask(series)
        self._note_load("gap", grid, is_missing)
        hours = frame["interval_start_at"].to_numpy()[::series]
        is_delivered = ~is_missing & ~_is_second_autumn_hour(_hour_ends(hours))
        self._wrong_load(grid, is_delivered)
        self._bad_load_quality(grid, is_delivered)
        spoiled = frame.assign(load_mw=grid.load_mw.T.ravel().round(4), quality_code=grid.quality.T.ravel())
        kept = self._odd_hours(spoiled[~is_missing.T.ravel()].reset_index(drop=True))
        doubled = self._duplicated(kept, "scada_load_readings", "series_id", "interval_start_at")
        return self._resent_days(doubled)

    def _note_load(self, defect_class: str, grid: _LoadGrid, mask: Booleans) -> None:
        rows = grid.frame[mask.T.ravel()]
        self._note("scada_load_readings", defect_class, rows, "series_id", "interval_start_at")

    def _wrong_load(self, grid: _LoadGrid, is_delivered: Booleans) -> None:
        """Stuck values, single wrong hours, and a feeder in kW for a day or two."""
        series, load = grid.shape[0], grid.load_mw
        stuck = draw_bursts(self.generator, grid.shape, share=self.rates.stuck, median_hours=9, spread=0.7, shortest=4)
        row, hour, burst = stuck.cells()
        load[row, hour] = load[stuck.row, stuck.first][burst]
        held = np.zeros(grid.shape, dtype=bool)
        held[row[stuck.held()], hour[stuck.held()]] = True
        self._note_load("stuck", grid, held & is_delivered)
        for defect_class, share, low, high in (
            ("spike", self.rates.spike, 2.0, 4.0),
            ("zero", self.rates.zero, -0.05, 0.0),
            ("absurd", self.rates.absurd, 9.0, 60.0),
        ):
            count = draw_count(self.generator, share * load.size, at_least=1)
            hit = np.zeros(grid.shape, dtype=bool)
            hit[self.generator.integers(0, series, count), self.generator.integers(0, grid.shape[1], count)] = True
            load[hit] *= self.generator.uniform(low, high, int(hit.sum()))
            self._note_load(defect_class, grid, hit & is_delivered)
        slips = draw_bursts(
            self.generator, grid.shape, share=self.rates.unit_slip * 0.04, median_hours=40, spread=0.4, shortest=24
        ).mask(series)
        load[slips] *= 1000.0
        self._note_load("unit_slip_kw", grid, slips & is_delivered)

    def _bad_load_quality(self, grid: _LoadGrid, is_delivered: Booleans) -> None:
        """Flags of the historian; an over-range converter also reports its stop."""
        bad = draw_bursts(self.generator, grid.shape, share=self.rates.bad_quality, median_hours=4, spread=0.9)
        codes = self.generator.choice(np.array(["02", "04", "08", "20"], dtype=object), len(bad.row))
        row, hour, burst = bad.cells()
        grid.quality[row, hour] = codes[burst]
        grid.load_mw[row, hour] = np.where(codes[burst] == "20", 999.99, grid.load_mw[row, hour])
        self._note_load("bad_quality", grid, bad.mask(grid.shape[0]) & is_delivered)

    def _odd_hours(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Fabricate the spring hour that does not exist, and lose the second autumn hour."""
        ends = _hour_ends(frame["interval_start_at"].to_numpy())
        reading, hour_before = _clock(ends), _clock(ends - pd.Timedelta(hours=1))
        is_second = _is_second_autumn_hour(ends)
        skips = reading - hour_before > np.timedelta64(1, "h")
        self._note("scada_load_readings", "dst_lost_hour", frame[is_second], "series_id", "interval_start_at")
        self._note("scada_load_readings", "dst_fabricated_hour", frame[skips], "series_id", "interval_start_at")
        fabricated = frame[skips].assign(
            clock_text=pd.DatetimeIndex(reading[skips] - np.timedelta64(1, "h")).strftime("%m/%d/%Y %H:%M").to_numpy()
        )
        kept: pd.DataFrame = frame[~is_second].assign(clock_text=None)
        both: pd.DataFrame = pd.concat([kept, fabricated]) if len(fabricated) else kept
        return both.sort_values("interval_start_at", kind="stable", ignore_index=True)

    def _resent_days(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Send some series' days again at the end of their month, received later."""
        day = frame["interval_start_at"].to_numpy().astype("datetime64[D]")
        keys = pd.MultiIndex.from_arrays([frame["series_id"], day])
        # A clock reading that comes twice cannot be told from a re-sent one, so odd days are not re-sent.
        odd = np.isin(day, day[frame["clock_text"].notna().to_numpy()])
        distinct = keys[~odd & (day < day.max())].unique()
        if not len(distinct):
            return frame
        count = min(draw_count(self.generator, self.rates.resent_day * len(distinct), at_least=1), len(distinct))
        chosen = distinct[self.generator.choice(len(distinct), count, replace=False)]
        again = frame[keys.isin(chosen)].copy()
        autumn = pd.DatetimeIndex(again["interval_start_at"], tz="UTC").tz_convert(LOCAL_TIME_ZONE)
        again = again[~((autumn.month == 11) & (autumn.day <= 7))]  # noqa: PLR2004 - week of the autumn change
        again["received_at"] = again["received_at"] + pd.Timedelta(days=2)
        self._note("scada_load_readings", "resent", again, "series_id", "interval_start_at")
        return pd.concat([frame, again], ignore_index=True)

    def observations(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Gaps, absurd winds, degC for degF, doubled rows."""
        table, entity, time = "weather_observations", "station_id", "observed_at"
        stations = frame[entity].nunique()
        shape = (stations, len(frame) // stations)
        missing = draw_bursts(self.generator, shape, share=self.rates.weather_gap, median_hours=2, spread=0.9).mask(
            stations
        )
        frame = frame.copy()
        rows = self._some(frame, self.rates.absurd, at_least=1)
        frame.loc[rows, "wind_speed_mps"] *= 30.0
        slips = draw_bursts(
            self.generator, shape, share=self.rates.unit_slip * 0.1, median_hours=40, spread=0.3, shortest=24
        ).mask(stations)
        is_slip = slips.T.ravel()
        # The file states degF; a station set to degC writes its Celsius reading there.
        frame.loc[is_slip, "temperature_degc"] = (frame.loc[is_slip, "temperature_degc"] - 32.0) / 1.8
        is_missing = missing.T.ravel()
        self._note(table, "gap", frame[is_missing], entity, time)
        self._note(table, "absurd", frame.iloc[rows][~is_missing[rows]], entity, time)
        self._note(table, "unit_slip_degc", frame[is_slip & ~is_missing], entity, time)
        return self._duplicated(frame[~is_missing].reset_index(drop=True), table, entity, time)

    def forecasts(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Whole forecast runs that never came; the last one always does."""
        issues = frame["issued_at"].unique()[:-1]
        lost = self.generator.choice(
            issues, draw_count(self.generator, self.rates.weather_gap * len(issues)), replace=False
        )
        is_lost = frame["issued_at"].isin(lost)
        self.log.record("weather_forecasts", "gap", np.full(len(lost), "all"), lost)
        return frame[~is_lost].reset_index(drop=True)

    def prices(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Missing hours, absurd prices, doubled rows."""
        table, time = "market_prices", "interval_start_at"
        frame = frame.assign(zone="SIM")
        rows = self._some(frame, self.rates.absurd, at_least=1)
        frame.loc[rows, "real_time_price_usd_per_mwh"] = 99_999.0
        lost = self._some(frame, self.rates.gap * 0.1)
        self._note(table, "absurd", frame.iloc[np.setdiff1d(rows, lost)], "zone", time)
        self._note(table, "gap", frame.iloc[lost], "zone", time)
        return self._duplicated(
            frame[~np.isin(np.arange(len(frame)), lost)].reset_index(drop=True), table, "zone", time
        )

    def outages(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Re-used numbers, reports before the start, orphan feeders, no cause, negative counts, doubled rows."""
        table, entity, time = "oms_outages", "outage_id", "started_at"
        frame = frame.reset_index(drop=True)
        rows = self._some(frame, self.rates.clock_skew, at_least=1)
        self._note(table, "clock_skew", frame.iloc[rows], entity, time)
        skew = self.generator.integers(60, 7_200, len(rows)).astype("timedelta64[s]")
        frame.loc[rows, "first_reported_at"] = frame.loc[rows, "started_at"].to_numpy() - skew
        rows = self._some(frame, self.rates.orphan * 0.3, at_least=1)
        self._note(table, "orphan", frame.iloc[rows], entity, time)
        frame.loc[rows, "feeder_id"] = "F999"
        rows = self._some(frame, self.rates.missing_id * 3)
        self._note(table, "missing_cause", frame.iloc[rows], entity, time)
        frame.loc[rows, "cause_text"] = None
        rows = self._some(frame, self.rates.zero * 4, at_least=1)
        self._note(table, "negative_count", frame.iloc[rows], entity, time)
        frame.loc[rows, "customers_out_count"] = -1
        rows = self._some(frame, self.rates.reused_id)
        rows = rows[rows > 0]
        earlier = (rows * self.generator.random(len(rows))).astype(np.int64)
        original = frame["outage_id"].to_numpy()
        reused = original.copy()
        reused[rows] = original[earlier]
        # Where the first bearer has taken another number itself, the number has one bearer: nothing is wrong.
        is_second_use = pd.Series(reused).duplicated().to_numpy()[rows]
        self._note(table, "reused_id", frame.iloc[rows[is_second_use]], entity, time)
        frame["outage_id"] = reused
        self.renumbered = dict(zip(original[rows], reused[rows], strict=True))
        return self._duplicated(frame, table, entity, time)

    def restoration_steps(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Steps of no known outage, without the outage's start, back before it began, negative counts, doubled rows."""
        table, entity, time = "oms_restoration_steps", "outage_id", "restored_at"
        if frame.empty:
            return frame
        frame = frame.assign(outage_id=frame["outage_id"].replace(self.renumbered))
        rows = self._some(frame, self.rates.missing_id)
        self._note(table, "missing_start", frame.iloc[rows], entity, time)
        frame.loc[rows, "started_at"] = np.datetime64("NaT", "s")
        rows = self._some(frame, self.rates.clock_skew * 0.5, at_least=1)
        self._note(table, "clock_skew", frame.iloc[rows], entity, time)
        frame.loc[rows, "restored_at"] = frame.loc[rows, "restored_at"] - pd.Timedelta(days=2)
        rows = self._some(frame, self.rates.orphan * 0.3, at_least=1)
        self._note(table, "orphan", frame.iloc[rows], entity, time)
        frame.loc[rows, "outage_id"] = "OT9999999"
        rows = self._some(frame, self.rates.zero * 4, at_least=1)
        self._note(table, "negative_count", frame.iloc[rows], entity, time)
        frame.loc[rows, "customers_restored_count"] = -1
        return self._duplicated(frame, table, entity, time)

    def work_orders(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Orphan assets, orders completed before they were opened, doubled rows."""
        table, entity, time = "eam_work_orders", "work_order_id", "opened_at"
        frame = frame.copy()
        is_failure = (frame["problem_code"] == "FAILED").to_numpy()
        rows = self._some(frame, self.rates.orphan, at_least=1)
        rows = rows[~is_failure[rows]]
        self._note(table, "orphan", frame.iloc[rows], entity, time)
        frame.loc[rows, "asset_id"] = "X" + frame.loc[rows, "asset_id"].str[1:]
        rows = self._some(frame, self.rates.clock_skew * 0.5, at_least=1)
        rows = rows[~is_failure[rows]]
        self._note(table, "clock_skew", frame.iloc[rows], entity, time)
        frame.loc[rows, "completed_at"] = frame.loc[rows, "opened_at"] - pd.Timedelta(hours=5)
        return self._duplicated(frame, table, entity, time)

    def register(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Assets without a feeder, ratings in kVA, and older versions of a record left in the extract."""
        table, entity = "eam_transformers", "asset_id"
        frame = frame.copy()
        rows = self._some(frame, self.rates.missing_id, at_least=1)
        self._note(table, "missing_feeder", frame.iloc[rows], entity, None)
        frame.loc[rows, "feeder_id"] = None
        rows = self._some(frame, self.rates.unit_slip * 0.5, at_least=1)
        self._note(table, "unit_slip_kva", frame.iloc[rows], entity, None)
        frame.loc[rows, "rated_mva"] *= 1000.0
        rows = self._some(frame, self.rates.missing_id * 0.5, at_least=1)
        older = frame.iloc[rows].assign(
            updated_at=lambda part: part["updated_at"] - pd.Timedelta(days=400), retired_on=np.datetime64("NaT", "s")
        )
        self._note(table, "reused_id", older, entity, None)
        both = pd.concat([frame, older.astype(frame.dtypes.to_dict())], ignore_index=True)
        return both.sort_values(entity, kind="stable", ignore_index=True)

    def customers(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Service points on unknown transformers or on no feeder."""
        table, entity = "cis_customers", "customer_id"
        frame = frame.copy()
        rows = self._some(frame, self.rates.orphan * 0.2, at_least=1)
        self._note(table, "orphan", frame.iloc[rows], entity, None)
        frame.loc[rows, "asset_id"] = "X00000"
        rows = self._some(frame, self.rates.missing_id * 0.5, at_least=1)
        self._note(table, "missing_feeder", frame.iloc[rows], entity, None)
        frame.loc[rows, "feeder_id"] = None
        return frame

    def traffic(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Messages the tap saw twice."""
        return self._duplicated(frame, "scada_events", "source_address", "event_at")


def _hour_ends(starts: np.ndarray) -> pd.DatetimeIndex:
    """Return when hours end, local time."""
    return pd.DatetimeIndex(starts, tz="UTC").tz_convert(LOCAL_TIME_ZONE) + pd.Timedelta(hours=1)


def _clock(moments: pd.DatetimeIndex) -> np.ndarray:
    """Return what a local clock shows."""
    return moments.tz_localize(None).to_numpy()


def _is_second_autumn_hour(ends: pd.DatetimeIndex) -> Booleans:
    """Return True where a clock shows at an hour's end what it showed an hour before."""
    return np.asarray(_clock(ends) == _clock(ends - pd.Timedelta(hours=1)))
