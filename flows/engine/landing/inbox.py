"""The inbox in a run: what lands, what the raw gate says of it, what is told about it.

What lives here: these steps in their order, and their words in the run's summary. What does not: landing (lander.py),
the gate (raw_gate.py), the event of severe weather (severe_weather.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from flows.engine.landing.lander import Lander, LandingReport
from flows.engine.landing.load_standing import outstanding_blocks
from flows.engine.landing.raw_gate import RawGate
from flows.engine.landing.severe_weather import FORECASTS, tell_severe_weather
from flows.engine.prefect.events import send_event
from flows.engine.prefect.server import local_server

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from flows.engine.owned_run import OwnedRun
    from flows.engine.pipeline import Pipeline


@dataclass(frozen=True)
class Inbox:
    """The inbox of a project, in one run.

    Args:
        pipeline: What all runs of the project share.
        owned: The run.
    """

    pipeline: Pipeline
    owned: OwnedRun

    def land(self, only: str | None = None) -> LandingReport:
        """Land what is new in the inbox, of one source or of all, and let the raw gate decide on it."""
        inbox = self.pipeline.settings.inbox_dir
        report = self._lander().land(only, [inbox / only]) if only else self._lander().land_inbox(inbox)
        self._settle(report)
        return report

    def land_files(self, source_name: str, paths: Sequence[Path]) -> LandingReport:
        """Land files that lie anywhere."""
        report = self._lander().land(source_name, paths)
        self._settle(report)
        return report

    def gate(self) -> RawGate:
        """The raw gate."""
        graph = self.pipeline.graph
        return RawGate(
            warehouse=self.owned.warehouse,
            lake=self.pipeline.lake,
            definitions={key: graph[key] for key in graph if graph[key].engine == "landing"},
            sources_dir=self.pipeline.settings.sources_dir,
            results_dir=self.pipeline.settings.quality_dir / "gx",
            run_id=self.owned.run_id,
            clock=self.pipeline.clock,
        )

    def is_gate_open(self) -> bool:
        """Tell whether the run may go on; what is closed stands in the summary."""
        summary = self.owned.summary
        blocks = outstanding_blocks(self.owned.warehouse.cursor())
        if not blocks:
            return True
        summary.status = "BLOCKED"
        summary.note_gate("raw", "FAIL")
        summary.blocked.update({f"raw #{number}": each for number, each in enumerate(blocks, 1)})
        return False

    def _lander(self) -> Lander:
        return Lander(
            warehouse=self.owned.warehouse,
            lake=self.pipeline.lake,
            sources_dir=self.pipeline.settings.sources_dir,
            raw_tables=self.pipeline.raw_tables,
            run_id=self.owned.run_id,
            clock=self.pipeline.clock,
            workers=self.pipeline.settings.python_workers,
            settle_seconds=self.pipeline.settings.settle_seconds,
            on_progress=self._report,
        )

    def _report(self, text: str) -> None:
        self.pipeline.warm()  # what lands will be checked and scored
        self.pipeline.on_progress(f"landing {text}")

    def _settle(self, report: LandingReport) -> None:
        """Say what was rejected or left lying, and let the raw gate decide on what landed."""
        notes = self.owned.summary.notes
        notes.extend(f"left in the inbox: {each}" for each in report.left)
        for rejected in report.rejected:
            place = f" row {rejected.row:,}" if rejected.row else ""
            notes.append(
                f"rejected {rejected.source}/{rejected.file_name}{place}: {rejected.reason} ({rejected.policy})"
            )
        self._decide()
        self._tell_severe_weather()

    def _decide(self) -> None:
        summary = self.owned.summary
        for verdict in self.gate().decide():
            summary.note_gate("raw", verdict.gate_status)
            summary.notes.extend(f"warning: {each}" for each in verdict.warnings)
            if verdict.status != "ACCEPTED":
                summary.notes.append(
                    f"load {verdict.load_id} of {verdict.source} {verdict.status.lower()}:"
                    f" {'; '.join(verdict.failures)}"
                )

    def _tell_severe_weather(self) -> None:
        """Send an event for each new severe forecast issue among what has landed."""
        if FORECASTS not in self.pipeline.graph:
            return
        settings = self.pipeline.settings
        told = tell_severe_weather(
            self.owned.warehouse,
            gust_mps=settings.severe_gust_mps,
            send=lambda event: send_event(local_server(settings), event),
            run_id=self.owned.run_id,
            now=self.pipeline.clock(),
        )
        self.owned.summary.notes.extend(
            f"severe weather: gusts to {each.gust_mps:.0f} m/s in {each.network_id},"
            f" issued {each.issued_at:%Y-%m-%d %H:%M} UTC"
            for each in told
        )
