"""Defects of segments, inspections, meter intervals and historian points.

What lives here: one function per feed, each returns a new frame and notes what it did. What does not: defects of
the feeds models learn from (`dirt_records`, `dirt_telemetry`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from flows.sources.simulator.dirt import draw_count

if TYPE_CHECKING:
    import pandas as pd

    from flows.sources.simulator.dirt import DefectLog, DefectRates
    from flows.sources.simulator.timeline import Integers

_NEVER = np.datetime64("NaT", "s")
# Bad, unknown and missing by protocol; the last of each is defined by no standard.
_BAD_CODES = {
    "DNP3": ("05", "21", "81"),
    "IEC104": ("40", "80", "02"),
    "61850": ("questionable|oldData", "invalid|failure", "good|unheardOf"),
    "OPCDA": ("24", "64", "128"),
    "OPCUA": ("0x80310000", "0x40000000", "0xc0000000"),
    "PI": ("Bad Input", "I/O Timeout", "Doubtful"),
}


class PointDirt:
    """Injects defects into feeds of single points.

    Args:
        generator: Source of randomness.
        rates: Scaled rates.
        log: Where defects are noted.
    """

    def __init__(self, generator: np.random.Generator, *, rates: DefectRates, log: DefectLog) -> None:
        self.generator = generator
        self.rates = rates
        self.log = log

    def inject(self, frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
        """Return all feeds, those of single points with defects."""
        return frames | {
            "gis_segments": self.segments(frames["gis_segments"]),
            "vegetation_inspections": self.inspections(frames["vegetation_inspections"]),
            "ami_intervals": self.intervals(frames["ami_intervals"]),
            "scada_measurements": self.measurements(frames["scada_measurements"]),
        }

    def _spoiled(
        self,
        frame: pd.DataFrame,
        raw_table: str,
        defect_class: str,
        *,
        share: float,
        entity: str,
        time: str | None = None,
    ) -> Integers:
        """Draw distinct rows to spoil, at least one when there are any, and note them."""
        count = min(draw_count(self.generator, share * len(frame), at_least=1), len(frame))
        rows = np.sort(self.generator.choice(len(frame), count, replace=False))
        times = _NEVER if time is None else frame[time].to_numpy()[rows]
        self.log.record(raw_table, defect_class, frame[entity].to_numpy()[rows], times)
        return rows

    def _doubled(self, frame: pd.DataFrame, raw_table: str, entity: str, time: str | None = None) -> pd.DataFrame:
        """Deliver some rows twice."""
        rows = self._spoiled(frame, raw_table, "duplicate", share=self.rates.duplicate, entity=entity, time=time)
        order = np.sort(np.concatenate([np.arange(len(frame)), rows]), kind="stable")
        return frame.iloc[order].reset_index(drop=True)

    def segments(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Feeders nobody knows, lengths of zero, doubled rows."""
        table, entity = "gis_segments", "segment_id"
        frame = frame.copy()
        rows = self._spoiled(frame, table, "orphan", share=self.rates.orphan, entity=entity)
        frame.loc[rows, "feeder_id"] = "F999"
        rows = self._spoiled(frame, table, "zero", share=self.rates.zero, entity=entity)
        frame.loc[rows, "length_m"] = 0.0
        return self._doubled(frame, table, entity)

    def inspections(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Segments nobody knows, canopies beyond 100 %, doubled rows."""
        table, entity, time = "vegetation_inspections", "segment_id", "inspected_on"
        if frame.empty:
            return frame
        frame = frame.copy()
        rows = self._spoiled(frame, table, "orphan", share=self.rates.orphan, entity=entity, time=time)
        frame.loc[rows, "segment_id"] = "F999-99"
        rows = self._spoiled(frame, table, "absurd", share=self.rates.absurd, entity=entity, time=time)
        frame.loc[rows, "canopy_pct"] = 999.9
        return self._doubled(frame, table, entity, time)

    def intervals(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Missing readings, a meter in kWh, spikes, doubled rows."""
        table, entity, time = "ami_intervals", "meter_id", "interval_start_at"
        frame = frame.copy()
        rows = self._spoiled(frame, table, "gap", share=self.rates.gap, entity=entity, time=time)
        frame.loc[rows, "reading_value"] = np.nan
        frame.loc[rows, "reading_flags"] = "missing"
        rows = self._spoiled(frame, table, "unit_slip_kwh", share=self.rates.unit_slip * 0.1, entity=entity, time=time)
        frame.loc[rows, "reading_value"] = (frame.loc[rows, "reading_value"] / 1000.0).round(3)
        frame.loc[rows, "unit_code"] = "kWh"
        rows = self._spoiled(frame, table, "absurd", share=self.rates.absurd, entity=entity, time=time)
        frame.loc[rows, "power_of_ten"] = 9
        return self._doubled(frame, table, entity, time)

    def measurements(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Bad and undefined quality in the words of each protocol, doubled rows."""
        table, entity, time = "scada_measurements", "tag_id", "measured_at"
        frame = frame.copy()
        rows = self._spoiled(frame, table, "bad_quality", share=self.rates.bad_quality, entity=entity, time=time)
        protocols = frame["protocol"].to_numpy()[rows]
        picks = self.generator.integers(0, 3, len(rows))
        codes = np.array([_BAD_CODES[name][pick] for name, pick in zip(protocols, picks, strict=True)], dtype=object)
        is_state = protocols == "PI"
        frame.loc[rows[is_state], "value_text"] = codes[is_state]
        frame.loc[rows[~is_state], "quality_code"] = codes[~is_state]
        return self._doubled(frame, table, entity, time)
