"""What must run, and why. Pure: the same graph and the same ledger state give the same plan.

What lives here: states, causes and the decision run / reuse per asset. What does not: what would only skip itself
again (skipped.py), the same per partition (partition_plan.py), reading the ledger (flows.lineage.state) and doing the
work (flows.engine).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Literal

from flows.assets.changes import (
    EVERYTHING,
    Change,
    changed_code,
    changed_versions,
    is_reading,
    spread,
    untouched,
)
from flows.assets.definition import CONTENT_ADDRESSED
from flows.assets.versions import parameters_hash

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from flows.assets.definition import AssetDefinition
    from flows.assets.graph import AssetGraph

TEXT_VERSION_PREFIX = "sha256:"
"""Prefix of a code version that plain `dbt build` recorded: a hash of the text, not of the meaning."""


class State(StrEnum):
    """How an asset stands against its code and inputs."""

    FRESH = "FRESH"
    STALE = "STALE"
    MISSING = "MISSING"


class Cause(StrEnum):
    """Why an asset is stale."""

    CODE = "CODE"
    DATA = "DATA"
    DEPENDENCY = "DEPENDENCY"
    PARAMS = "PARAMS"
    ENV = "ENV"
    CHECK = "CHECK"


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """The latest materialization of an asset, as the ledger has it.

    Args:
        materialization_id: Identifier.
        code_version: Code it was made with.
        source_text: That code's text.
        data_version: Content.
        input_versions: Data version of each input by key, as it was read.
        parameters_hash: Parameters it was made with; empty when not recorded.
        environment_id: Environment it was made in; empty when not recorded.
        is_released: True when every blocking check has passed, or nothing was there to check.
        column_versions: Content of each column bound to its row; `*`: which rows. Empty when not known.
        input_columns: The same of each input by key, as it was read; only where it is another one now.
        column_code: Fingerprint of the code behind each column it was made with; `*`: behind the row set.
    """

    materialization_id: str
    code_version: str
    data_version: str
    source_text: str = ""
    input_versions: Mapping[str, str] = field(default_factory=dict)
    parameters_hash: str = ""
    environment_id: str = ""
    is_released: bool = True
    column_versions: Mapping[str, str] = field(default_factory=dict)
    input_columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    column_code: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of a plan."""

    asset_key: str
    state: State
    causes: tuple[Cause, ...]
    action: Literal["run", "reuse", "skip"]
    reason: str
    partition_key: str = ""
    is_forced: bool = False


def make_plan(
    graph: AssetGraph,
    *,
    selected: Collection[str],
    recorded: Mapping[str, Recorded],
    environment_id: str,
    is_forced: bool = False,
) -> tuple[Step, ...]:
    """Decide for each selected asset whether it runs.

    Args:
        graph: All assets.
        selected: Keys to consider.
        recorded: Latest materialization by key.
        environment_id: The present environment.
        is_forced: Run everything selected (but not landing, which is content-addressed).

    Returns:
        Steps in the graph's order.
    """
    will_run: dict[str, Change] = {}
    steps: list[Step] = []
    for key in graph.order:
        if key not in selected:
            continue
        definition = graph[key]
        step = plan_step(definition, recorded, will_run, environment_id, is_forced=is_forced)
        if step.action == "run":
            will_run[key] = change_of(definition, step, recorded, will_run)
        steps.append(step)
    return tuple(steps)


def plan_step(
    definition: AssetDefinition,
    recorded: Mapping[str, Recorded],
    will_run: Mapping[str, Change],
    environment_id: str,
    *,
    is_forced: bool,
) -> Step:
    """Decide for one asset that neither is cut into partitions nor reads one that is; see `make_plan`."""
    record = recorded.get(definition.key)
    if record is None:
        return Step(
            asset_key=definition.key,
            state=State.MISSING,
            causes=(),
            action="run",
            reason="never materialized",
        )
    found = staleness(definition, record, recorded, environment_id)
    rerun = [key for key in definition.deps if key in will_run and is_reading(definition, key, will_run[key])]
    if rerun and Cause.DEPENDENCY not in found:
        found[Cause.DEPENDENCY] = f"{rerun[0]} runs before it"
    if found or (is_forced and definition.engine not in CONTENT_ADDRESSED):
        return Step(
            asset_key=definition.key,
            state=State.STALE if found else State.FRESH,
            causes=tuple(found),
            action="run",
            reason="; ".join(found.values()) or "forced",
            is_forced=is_forced,
        )
    return Step(asset_key=definition.key, state=State.FRESH, causes=(), action="reuse", reason="unchanged")


def staleness(
    definition: AssetDefinition,
    record: Recorded,
    recorded: Mapping[str, Recorded],
    environment_id: str,
) -> dict[Cause, str]:
    """Compare an asset's last materialization with its present code and inputs.

    Args:
        definition: The asset.
        record: Its latest materialization.
        recorded: Latest materialization of every asset.
        environment_id: The present environment.

    Returns:
        A sentence for each cause; empty when the asset is fresh.
    """
    found: dict[Cause, str] = {}
    if definition.engine in CONTENT_ADDRESSED:
        return found  # brought up to date before planning
    if not is_same_code(definition, record.code_version, record.source_text):
        found[Cause.CODE] = "its code or checks changed"
    present = {key: recorded[key].data_version for key in definition.deps if key in recorded}
    changed = sorted(key for key in record.input_versions if is_input_changed(definition, key, record, recorded))
    if changed:
        found[Cause.DATA] = f"{changed[0]} has other data" + _and_more(changed)
    missing = sorted(set(present) - set(record.input_versions))
    if missing:
        found[Cause.DEPENDENCY] = f"{missing[0]} was not read before" + _and_more(missing)
    if record.parameters_hash and record.parameters_hash != parameters_hash(definition.parameters):
        found[Cause.PARAMS] = "its parameters changed"
    if record.environment_id and record.environment_id != environment_id:
        found[Cause.ENV] = "Python or a locked package changed"
    if not record.is_released:
        found[Cause.CHECK] = "a blocking check has no PASS"
    return found


def is_input_changed(
    definition: AssetDefinition, upstream_key: str, record: Recorded, recorded: Mapping[str, Recorded]
) -> bool:
    """Tell whether what an asset reads of an input is other than what it was made from.

    Args:
        definition: The asset.
        upstream_key: An input it was made from.
        record: Its latest materialization.
        recorded: Latest materialization of every asset.
    """
    present = recorded.get(upstream_key)
    if present is None or present.data_version == record.input_versions[upstream_key]:
        return False
    return is_reading(definition, upstream_key, _changed_input(upstream_key, record, recorded))


def change_of(
    definition: AssetDefinition, step: Step, recorded: Mapping[str, Recorded], will_run: Mapping[str, Change]
) -> Change:
    """Tell what an asset that runs will certainly make as it is; nothing whenever that is not certain."""
    record = recorded.get(definition.key)
    is_explained = step.causes and set(step.causes) <= {Cause.CODE, Cause.DATA, Cause.DEPENDENCY}
    if record is None or not record.column_versions or not is_explained:
        return EVERYTHING
    if any(key not in record.input_versions and (key in recorded or key in will_run) for key in definition.deps):
        return EVERYTHING
    change = changed_code(record.column_code, definition) if Cause.CODE in step.causes else untouched(definition)
    for key, version in record.input_versions.items():
        if key in will_run:
            change &= spread(definition, key, will_run[key])
        if key in recorded and recorded[key].data_version != version:
            change &= spread(definition, key, _changed_input(key, record, recorded))
    return change


def _changed_input(key: str, record: Recorded, recorded: Mapping[str, Recorded]) -> Change:
    """Compare an input as it was read with what it is now."""
    return changed_versions(record.input_columns.get(key, {}), recorded[key].column_versions)


def _and_more(names: list[str]) -> str:
    return f" (and {len(names) - 1} more)" if len(names) > 1 else ""


def is_same_code(definition: AssetDefinition, code_version: str, source_text: str) -> bool:
    """Tell whether recorded code is the present one; a text version is compared by its text."""
    if code_version.startswith(TEXT_VERSION_PREFIX):
        return source_text == definition.source_text
    return code_version == definition.code_version
