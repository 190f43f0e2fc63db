"""Defects of transformer telemetry.

What lives here: gaps, stuck values, spikes, wrong units, bad quality, clocks, late, doubled and orphan rows,
in place on the arrays. What does not: rates and the log (`dirt`).
Decision: readings are spoiled first and lost in gaps after that, so what was done to a reading is logged once it is
certain that it was delivered: nobody can find a defect in a reading that never came.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from flows.sources.simulator.dirt import draw_bursts, draw_count
from flows.sources.simulator.telemetry import QUANTITIES

if TYPE_CHECKING:
    from flows.sources.simulator.dirt import Bursts, DefectLog, DefectRates
    from flows.sources.simulator.telemetry import Telemetry
    from flows.sources.simulator.timeline import Integers, Timeline

_TABLE = "scada_transformer_readings"
_STICKING = ("TOP_OIL_C", "VIB_MM_S", "H2_PPM")
_COMM_LOST, _OVER_RANGE = 0x04, 0x20
_BAD_CODES = np.array([0x02, _COMM_LOST, _COMM_LOST, 0x08, 0x10, _OVER_RANGE, 0x40])
_UNDEFINED_CODES = np.array([0xFF, 0xC0, 0x80])
_OVER_RANGE_VALUE = 327.67  # a 16-bit converter at its stop, in hundredths


class TelemetryDirt:
    """Injects defects into telemetry, one class at a time.

    Args:
        generator: Source of randomness.
        telemetry: Changed in place.
        timeline: The simulated hours.
        asset_ids: Asset id by row of the register.
        rates: Scaled rates.
        log: Where defects are noted.
    """

    def __init__(
        self,
        generator: np.random.Generator,
        telemetry: Telemetry,
        timeline: Timeline,
        *,
        asset_ids: np.ndarray,
        rates: DefectRates,
        log: DefectLog,
    ) -> None:
        self.generator = generator
        self.telemetry = telemetry
        self.hours = timeline.delivered_hours
        self.asset_ids = asset_ids
        self.rates = rates
        self.log = log
        self.shape: tuple[int, int] = (len(telemetry.is_reported), timeline.hour_count)
        self._done: list[tuple[str, Integers, Integers]] = []

    def inject(self) -> None:
        """Inject every class."""
        self._stuck()
        self._spikes()
        self._unit_slips()
        self._bad_quality()
        self._clocks()
        self._late()
        self._gaps()
        for defect_class, row, hour in self._done:
            self._log(defect_class, row, hour)
        self._extra_rows()

    def _note(self, defect_class: str, row: Integers, hour: Integers) -> None:
        """Keep what was done to readings until it is known which of them are delivered."""
        self._done.append((defect_class, row, hour))

    def _log(self, defect_class: str, row: Integers, hour: Integers) -> None:
        """Log defects of reported rows."""
        reported = self.telemetry.is_reported[row, hour]
        row, hour = row[reported], hour[reported]
        self.log.record(_TABLE, defect_class, self.asset_ids[self.telemetry.occupant[row, hour]], self.hours[hour])

    def _bursts(self, share: float, median_hours: float, spread: float, shortest: int = 1) -> Bursts:
        return draw_bursts(
            self.generator, self.shape, share=share, median_hours=median_hours, spread=spread, shortest=shortest
        )

    def _cells(self, share: float, *, at_least: int = 0) -> tuple[Integers, Integers]:
        """Draw single readings."""
        count = draw_count(self.generator, share * self.shape[0] * self.shape[1], at_least=at_least)
        rows = self.generator.integers(0, self.shape[0], count)
        return rows, self.generator.integers(0, self.shape[1], count)

    def _stuck(self) -> None:
        bursts = self._bursts(self.rates.stuck, 14.0, 0.9, shortest=6)
        row, hour, burst = bursts.cells()
        chosen = self.generator.integers(0, len(_STICKING), len(bursts.row))
        for number, name in enumerate(_STICKING):
            mine = chosen[burst] == number
            values = self.telemetry.readings[name]
            held = values[bursts.row, bursts.first][burst[mine]]
            values[row[mine], hour[mine]] = held
        held = bursts.held()
        self._note("stuck", row[held], hour[held])

    def _spikes(self) -> None:
        for defect_class, share, factors in (
            ("spike", self.rates.spike, (2.5, 6.0)),
            ("zero", self.rates.zero, (0.0, 0.0)),
            ("absurd", self.rates.absurd, (400.0, 900.0)),
        ):
            row, hour = self._cells(share, at_least=1)
            quantity = self.generator.integers(0, len(QUANTITIES), len(row))
            factor = self.generator.uniform(*factors, len(row))
            for number, name in enumerate(QUANTITIES):
                mine = quantity == number
                self.telemetry.readings[name][row[mine], hour[mine]] *= factor[mine]
            self._note(defect_class, row, hour)

    def _unit_slips(self) -> None:
        """Top oil in degrees Fahrenheit, or load in kVA, for some days of some positions."""
        for defect_class, name in (("unit_slip_degf", "TOP_OIL_C"), ("unit_slip_kva", "MVA")):
            bursts = self._bursts(self.rates.unit_slip * 0.01, 96.0, 0.6, shortest=24)
            inside = bursts.mask(self.shape[0])
            values = self.telemetry.readings[name]
            slipped = values * 1.8 + 32.0 if name == "TOP_OIL_C" else values * 1000.0
            np.copyto(values, slipped, where=inside)
            self._note(defect_class, *np.nonzero(inside))

    def _bad_quality(self) -> None:
        bursts = self._bursts(self.rates.bad_quality, 5.0, 1.0)
        row, hour, burst = bursts.cells()
        codes = self.generator.choice(_BAD_CODES, len(bursts.row))
        self.telemetry.quality_code[row, hour] = codes[burst]
        top_oil = self.telemetry.readings["TOP_OIL_C"]
        is_lost, is_over = codes[burst] == _COMM_LOST, codes[burst] == _OVER_RANGE
        top_oil[row[is_lost], hour[is_lost]] = top_oil[bursts.row, bursts.first][burst[is_lost]]
        top_oil[row[is_over], hour[is_over]] = _OVER_RANGE_VALUE
        self._note("bad_quality", row, hour)
        row, hour = self._cells(self.rates.undefined_quality, at_least=1)
        self.telemetry.quality_code[row, hour] = self.generator.choice(_UNDEFINED_CODES, len(row))
        self._note("undefined_quality", row, hour)

    def _clocks(self) -> None:
        bursts = self._bursts(self.rates.clock_shift * 0.02, 48.0, 0.5, shortest=12)
        row, hour, burst = bursts.cells()
        minutes = self.generator.integers(5, 28, len(bursts.row)) * self.generator.choice([-1, 1], len(bursts.row))
        self.telemetry.clock_shift_seconds[row, hour] = minutes[burst] * 60
        is_shifted = bursts.mask(self.shape[0])
        row, hour = self._cells(self.rates.clock_reset, at_least=1)
        is_shifted[row, hour] = False  # a stamp of 1970 does not tell that the clock was off before
        self._note("clock_shift", *np.nonzero(is_shifted))
        since_1970 = self.hours[hour].astype("datetime64[s]").astype(np.int64)
        uptime = self.generator.integers(0, 86_400, len(row))
        self.telemetry.clock_shift_seconds[row, hour] = uptime - since_1970
        self._note("clock_reset", row, hour)

    def _late(self) -> None:
        bursts = self._bursts(self.rates.late, 8.0, 0.8)
        row, hour, burst = bursts.cells()
        delay = self.generator.lognormal(np.log(5.0 * 3600), 0.9, len(bursts.row)).astype(np.int64)
        self.telemetry.delay_seconds[row, hour] += delay[burst]
        self._note("late", row, hour)

    def _gaps(self) -> None:
        missing = self._bursts(self.rates.gap, 8.0, 1.3).mask(self.shape[0])
        self._log("gap", *np.nonzero(missing))
        self.telemetry.is_reported &= ~missing

    def _extra_rows(self) -> None:
        """Rows that come twice, days that are sent again, readings of units nobody knows."""
        duplicate_row, duplicate_hour = self._reported(*self._cells(self.rates.duplicate, at_least=1))
        self._log("duplicate", duplicate_row, duplicate_hour)
        days = draw_count(self.generator, self.rates.resent_day * self.shape[0] * self.shape[1] / 24, at_least=1)
        first = self.generator.integers(0, max(self.shape[1] // 24, 1), days) * 24
        late_days = self.generator.integers(1, 4, days)
        resent_row, resent_hour = (
            np.repeat(self.generator.integers(0, self.shape[0], days), 24),
            (first[:, None] + np.arange(24)).ravel(),
        )
        late = np.repeat(late_days * 86_400, 24)
        reported = self.telemetry.is_reported[resent_row, resent_hour]
        resent_row, resent_hour, late = resent_row[reported], resent_hour[reported], late[reported]
        self._log("resent", resent_row, resent_hour)
        orphan_row, orphan_hour = self._reported(*self._cells(self.rates.orphan * 0.005, at_least=2))
        orphan_ids = np.array([f"X{number:05d}" for number in self.generator.integers(0, 40, len(orphan_row))])
        self.log.record(_TABLE, "orphan", orphan_ids, self.hours[orphan_hour])
        counts = (len(duplicate_row), len(resent_row), len(orphan_row))
        self.telemetry.extra = pd.DataFrame(
            {
                "position": np.concatenate([duplicate_row, resent_row, orphan_row]),
                "hour": np.concatenate([duplicate_hour, resent_hour, orphan_hour]),
                "late_seconds": np.concatenate([np.zeros(counts[0], np.int64), late, np.zeros(counts[2], np.int64)]),
                "factor": np.repeat([1.0, 1.004, 1.0], counts),  # a revision moves values by less than noise
                "asset_id": np.concatenate([np.full(counts[0] + counts[1], "", dtype=object), orphan_ids]),
            }
        )

    def _reported(self, row: Integers, hour: Integers) -> tuple[Integers, Integers]:
        """Keep readings that are delivered."""
        keep = self.telemetry.is_reported[row, hour]
        return row[keep], hour[keep]
