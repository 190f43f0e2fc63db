"""Steps that skipped themselves, and for how long nobody needs to ask them again.

What lives here: what a step that skipped itself had before it, and whether that is still so. What does not: the
decision run / reuse (plan.py), reading the ledger (flows.lineage.skipped_steps).

Decision: what a step had before it is its code, parameters, environment and the data version of each input there was,
as for staleness, so a table that was made again with the same rows wakes nobody. A step with `only_when` is asked in
each run, since a condition may look at anything; so is an asset that is cut into partitions or reads one that is.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from flows.assets.versions import parameters_hash

if TYPE_CHECKING:
    from collections.abc import Mapping
    from collections.abc import Set as AbstractSet

    from flows.assets.definition import AssetDefinition
    from flows.assets.plan import Recorded, Step


@dataclass(frozen=True, kw_only=True)
class Skipped:
    """The last step of an asset, which skipped itself.

    Args:
        reason: Why, in its words.
        basis: What it had before it, as `skip_basis` gives it.
    """

    reason: str
    basis: Mapping[str, Any]


def skip_basis(definition: AssetDefinition, recorded: Mapping[str, Recorded], environment_id: str) -> dict[str, Any]:
    """Return what a step has before it.

    Args:
        definition: The asset.
        recorded: Latest materialization of its inputs.
        environment_id: The present environment.
    """
    return {
        "code_version": definition.code_version,
        "parameters_hash": parameters_hash(definition.parameters),
        "environment_id": environment_id,
        "inputs": {key: recorded[key].data_version for key in definition.deps if key in recorded},
    }


def without_idle(
    step: Step,
    definition: AssetDefinition,
    skipped: Skipped | None,
    *,
    recorded: Mapping[str, Recorded],
    will_run: AbstractSet[str],
    environment_id: str,
) -> Step:
    """Return the step as it was planned, or to be skipped where it would only skip itself again. Nobody forces it.

    Args:
        step: As planned.
        definition: Its asset.
        skipped: How its last step ended; None where that did anything else.
        recorded: Latest materialization of every asset.
        will_run: What runs before it.
        environment_id: The present environment.
    """
    if skipped is None or step.action != "run" or not will_run.isdisjoint(definition.deps):
        return step
    if skip_basis(definition, recorded, environment_id) != skipped.basis:
        return step
    return replace(step, action="skip", reason=f"skipped itself: {skipped.reason}; waits until its inputs change")
