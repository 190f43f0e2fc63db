"""Defects of whole files: a renamed column, an added column, a truncated transfer.

What lives here: spoiling files that lie in the inbox. What does not: defects of rows (`dirt_records`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from pathlib import Path

    from flows.sources.simulator.dirt import DefectLog

_NEVER = np.datetime64("NaT", "s")
_OBSERVATIONS, _OUTAGES = "simulator_weather_observations", "simulator_oms"
TRUNCATED_SHARE = 0.6


def spoil_files(inbox: Path, *, log: DefectLog) -> dict[str, int]:
    """Rename a column in one file, and re-deliver two files badly.

    The renamed column is covered by an alias; the other two must be rejected. They are re-deliveries, so nothing is
    lost when they are.

    Returns:
        Further delivered files (source/name) to rows that can be landed: 0.
    """
    further: dict[str, int] = {}
    observations = sorted((inbox / _OBSERVATIONS).glob("observations_*.csv"))
    renamed = observations[-1]
    text = renamed.read_text(encoding="utf-8")
    renamed.write_text(text.replace("tmpf", "temp_f", 1), encoding="utf-8")
    log.record("weather_observations", "schema_drift_renamed", [renamed.name], _NEVER)
    added = observations[0].with_name(f"{observations[0].stem}_resent.csv")
    header, *lines = observations[0].read_text(encoding="utf-8").splitlines()
    added.write_text("\n".join([f"{header},qc_flag", *(f"{line},1" for line in lines), ""]), encoding="utf-8")
    log.record("weather_observations", "schema_drift_added", [added.name], _NEVER)
    further[f"{_OBSERVATIONS}/{added.name}"] = 0
    whole = max((inbox / _OUTAGES).glob("outages_*.csv.gz"), key=lambda path: path.stat().st_size)
    cut = whole.with_name(whole.name.replace(".csv.gz", "_resent.csv.gz"))
    content = whole.read_bytes()
    cut.write_bytes(content[: int(len(content) * TRUNCATED_SHARE)])
    log.record("oms_outages", "truncated_file", [cut.name], _NEVER)
    further[f"{_OUTAGES}/{cut.name}"] = 0
    return further
