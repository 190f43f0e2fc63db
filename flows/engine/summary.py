"""What a run came to.

What lives here: the summary that the command line prints and returns as JSON. What does not: the ledger, which holds
the same facts for good.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

RunResult = Literal["COMPLETE", "FAIL", "BLOCKED"]


@dataclass
class RunSummary:
    """Counted facts of one run; filled while it goes on.

    Args:
        run_id: The run.
        status: COMPLETE, FAIL (an asset broke) or BLOCKED (a gate did not pass).
        materialized: Keys made anew.
        reused: Keys kept because nothing they depend on changed.
        skipped: Reason by key: nothing feeds it, or what it needs failed.
        failed: Error by key.
        blocked: Reason by key: a gate upstream of it did not pass.
        gates: PASS, FAIL, ERROR, NOT_RUN by gate.
        row_counts: Rows by key, of tables made anew.
        notes: Anything a person should read.
        published: Keys whose published copy changed.
        seconds: Wall time.
    """

    run_id: str
    status: RunResult = "COMPLETE"
    materialized: list[str] = field(default_factory=list)
    reused: list[str] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    blocked: dict[str, str] = field(default_factory=dict)
    gates: dict[str, str] = field(default_factory=dict)
    row_counts: dict[str, int] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    published: tuple[str, ...] = ()
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """0 done, 1 failed, 3 gate blocked."""
        return {"COMPLETE": 0, "FAIL": 1, "BLOCKED": 3}[self.status]

    def note_gate(self, name: str, status: str) -> None:
        """Keep the worst status seen at a gate."""
        order = ("NOT_RUN", "PASS", "FAIL", "ERROR")
        before = self.gates.get(name, "NOT_RUN")
        self.gates[name] = max(before, status, key=order.index)

    def as_json(self) -> dict[str, Any]:
        """Return the public shape of `gridweave run --json`."""
        return {
            "run_id": self.run_id,
            "status": self.status,
            "materialized": sorted(self.materialized),
            "reused": sorted(self.reused),
            "skipped": self.skipped,
            "failed": self.failed,
            "blocked": self.blocked,
            "seconds": round(self.seconds, 1),
            "gates": [{"name": name, "status": status} for name, status in self.gates.items()],
            "notes": self.notes,
        }
