"""Defects of the control centre's log and of restoration estimates.

What lives here: one function per feed, each returns a new frame and notes what it did. What does not: defects of
historian points (`dirt_points`) and of the outages that estimates belong to (`dirt_records`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from flows.sources.simulator.dirt import draw_count
from flows.sources.simulator.dirt_points import PointDirt

if TYPE_CHECKING:
    from flows.sources.simulator.dirt import DefectLog, DefectRates
    from flows.sources.simulator.timeline import Integers

_MOST_LOST_ROWS = 5
_MOST_RESENT_ROWS = 6
_FIRST_BELIEVED = pd.Timestamp("1990-01-01")
_UNDEFINED_STATES = np.array(["7", "UNKNOWN_42"], dtype=object)


class ControlDirt(PointDirt):
    """Injects defects into feeds of the control centre.

    Args:
        generator: Source of randomness.
        rates: Scaled rates.
        log: Where defects are noted.
        renumbered: Outage number to the number that was used in its place.
    """

    def __init__(
        self,
        generator: np.random.Generator,
        *,
        rates: DefectRates,
        log: DefectLog,
        renumbered: dict[object, object],
    ) -> None:
        super().__init__(generator, rates=rates, log=log)
        self.renumbered = renumbered

    def inject(self, frames: dict[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
        """Return all feeds, those of the control centre with defects."""
        return frames | {
            "scada_alarms": self.alarms(frames["scada_alarms"]),
            "oms_restoration_estimates": self.estimates(frames["oms_restoration_estimates"]),
        }

    def alarms(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Restarted numbering, lost rows, undefined states, stamps of 1970, blocks of rows sent again."""
        table, entity, time = "scada_alarms", "point_id", "event_at"
        frame = self._with_lost_rows(self._renumbered_after_restarts(frame))
        rows = self._spoiled(frame, table, "clock_reset", share=self.rates.clock_reset * 10, entity=entity, time=time)
        seconds = self.generator.integers(0, 86_400, len(rows)).astype("timedelta64[s]")
        frame.loc[rows, "event_at"] = np.datetime64("1970-01-01", "ms") + seconds
        states = np.flatnonzero(frame["state_code"].notna() & (frame["event_at"] > _FIRST_BELIEVED))
        share = self.rates.undefined_quality
        drawn = self._spoiled(frame.iloc[states], table, "undefined_state", share=share, entity=entity, time=time)
        rows = states[drawn]
        frame.loc[rows, "state_code"] = _UNDEFINED_STATES[self.generator.integers(0, len(_UNDEFINED_STATES), len(rows))]
        return self._sent_again(frame)

    def _note_rows(self, defect_class: str, rows: pd.DataFrame) -> None:
        self.log.record("scada_alarms", defect_class, rows["point_id"].to_numpy(), rows["event_at"].to_numpy())

    def _some_rows(self, frame: pd.DataFrame, share: float) -> Integers:
        """Draw distinct rows, at least one and never the first, so that each has one before it."""
        count = min(draw_count(self.generator, share * len(frame), at_least=1), len(frame) - 1)
        return np.sort(self.generator.choice(np.arange(1, len(frame)), count, replace=False))

    def _renumbered_after_restarts(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Begin to count from 1 again where the front end restarted."""
        rows = self._some_rows(frame, self.rates.clock_reset * 10)
        self._note_rows("sequence_restart", frame.iloc[rows])
        index = np.arange(len(frame))
        begins = np.concatenate([[0], rows])[np.searchsorted(rows, index, side="right")]
        return frame.assign(sequence_number=index - begins + 1)

    def _with_lost_rows(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Lose a few rows in front of some; a row that is counted 1 tells nothing of what is lost before it."""
        rows = self._some_rows(frame, self.rates.zero)
        length = self.generator.integers(1, _MOST_LOST_ROWS + 1, len(rows))
        numbers = frame["sequence_number"].to_numpy()
        is_lost = np.zeros(len(frame), dtype=bool)
        for row, count in zip(rows, np.minimum(length, numbers[rows] - 1), strict=True):
            # The row before the lost ones stays, or the restart itself would be lost.
            is_lost[max(row - count, row - numbers[row] + 2) : row] = True
        is_after = np.concatenate([[False], is_lost[:-1]]) & ~is_lost
        self._note_rows("sequence_gap", frame[is_after])
        return frame[~is_lost].reset_index(drop=True)

    def _sent_again(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Send the last rows once more, after the connection was lost."""
        ends = self._some_rows(frame, self.rates.duplicate)
        length = self.generator.integers(1, _MOST_RESENT_ROWS + 1, len(ends))
        first = np.maximum(ends - length + 1, np.concatenate([[0], ends[:-1] + 1]))
        again = np.concatenate([np.arange(start, end + 1) for start, end in zip(first, ends, strict=True)])
        moment = frame["received_at"].to_numpy()[np.repeat(ends, ends - first + 1)] + np.timedelta64(1_500, "ms")
        copies = frame.iloc[again].assign(received_at=moment)
        copies = copies[copies["event_at"] > _FIRST_BELIEVED]
        self._note_rows("duplicate", copies)
        both = pd.concat([frame, copies], ignore_index=True)
        return both.sort_values("received_at", kind="stable", ignore_index=True)

    def estimates(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Estimates of no known outage, without its start, past when issued, a year ahead, doubled rows."""
        table, entity, time = "oms_restoration_estimates", "outage_id", "issued_at"
        if frame.empty:
            return frame
        frame = frame.assign(outage_id=frame["outage_id"].replace(self.renumbered))
        rows = self._spoiled(frame, table, "missing_start", share=self.rates.missing_id, entity=entity, time=time)
        frame.loc[rows, "started_at"] = np.datetime64("NaT", "s")
        rows = self._spoiled(frame, table, "clock_skew", share=self.rates.clock_skew, entity=entity, time=time)
        back = self.generator.integers(600, 7_200, len(rows)).astype("timedelta64[s]")
        frame.loc[rows, "estimated_restoration_at"] = frame.loc[rows, "issued_at"].to_numpy() - back
        rows = self._spoiled(frame, table, "absurd", share=self.rates.absurd, entity=entity, time=time)
        frame.loc[rows, "estimated_restoration_at"] = frame.loc[rows, "issued_at"] + pd.Timedelta(days=365)
        rows = self._spoiled(frame, table, "orphan", share=self.rates.orphan * 0.3, entity=entity, time=time)
        frame.loc[rows, "outage_id"] = "OT9999999"
        return self._doubled(frame, table, entity, time)
