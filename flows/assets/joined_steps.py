"""Assets that one step makes: when one of them must be made, all are, and a plan says so.

What lives here: joining what was decided for each of them. What does not: deciding (plan.py, partition_plan.py).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from flows.assets.partition_plan import StepGroup
    from flows.assets.plan import Cause


def running_partitions(groups: Iterable[StepGroup]) -> tuple[str, ...]:
    """Return the partitions that run, each once."""
    return tuple(dict.fromkeys(key for each in groups if each.action == "run" for key in each.partition_keys))


def joined(planned: Mapping[str, Sequence[StepGroup]]) -> dict[str, list[StepGroup]]:
    """Let the assets of one step run wherever one of them runs.

    What was to be kept keeps its state, has the causes of those it is made with, and names them.

    Args:
        planned: What was decided for each asset of the step on its own.
    """
    everything = [each for groups in planned.values() for each in groups]
    running = set(running_partitions(everything))
    leads = {key: groups for key, groups in planned.items() if running_partitions(groups)}
    causes = tuple(dict.fromkeys(cause for groups in leads.values() for each in groups for cause in each.causes))
    reason = f"made in one step with {', '.join(leads)}"
    return {
        key: [one for each in groups for one in _taken_along(each, running, causes, reason)]
        for key, groups in planned.items()
    }


def _taken_along(group: StepGroup, running: set[str], causes: tuple[Cause, ...], reason: str) -> Iterator[StepGroup]:
    """Split what was to be kept into what is made along and what is not."""
    taken = tuple(key for key in group.partition_keys if key in running)
    if group.action == "run" or not taken:
        yield group
        return
    yield replace(group, partition_keys=taken, action="run", causes=causes, reason=reason)
    kept = tuple(key for key in group.partition_keys if key not in running)
    if kept:
        yield replace(group, partition_keys=kept)
