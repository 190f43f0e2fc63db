"""The facts the ledger holds, as Python values. Writing them is recorder.py's work."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from uuid import UUID

RunKind = Literal["flow", "task", "dbt_invocation", "dbt_node", "check", "replay"]
RunStatus = Literal["RUNNING", "COMPLETE", "FAIL", "ABORT", "SKIPPED", "CACHED"]
CheckStatus = Literal["PASS", "FAIL", "ERROR", "NOT_RUN"]
EventKind = Literal["MATERIALIZED", "OBSERVED", "REUSED", "DELETED"]


@dataclass(frozen=True, kw_only=True)
class RunRecord:
    """A run: of a flow, or of one asset's step inside it."""

    run_id: UUID
    root_run_id: UUID
    job_name: str
    run_kind: RunKind
    trigger: str
    started_at: datetime
    environment_id: str
    parent_run_id: UUID | None = None
    triggered_by: str = ""
    status: RunStatus = "RUNNING"
    ended_at: datetime | None = None
    error_type: str | None = None
    error_message: str | None = None
    prefect_flow_run_id: str | None = None
    git_commit: str | None = None
    is_git_dirty: bool | None = None
    parameters: Mapping[str, Any] = field(default_factory=dict)
    attempt: int = 1


@dataclass(frozen=True, kw_only=True)
class InputRecord:
    """One input a materialization really read."""

    upstream_key: str
    materialization_id: str
    data_version: str
    role: str = "data"
    partition_key: str = ""


@dataclass(frozen=True, kw_only=True)
class MaterializationRecord:
    """One asset as one run left it.

    Args:
        row_count: Rows; None where counting has no meaning.
        storage_uri: File that keeps exactly this content, relative to gridweave's home; None: the warehouse holds it.
        metadata: Anything worth keeping: loads, metrics, `parameters_hash`, `environment_id`.
    """

    materialization_id: UUID
    asset_key: str
    run_id: UUID
    code_version: str
    data_version: str
    logical_version: str
    valid_from: datetime
    event_kind: EventKind = "MATERIALIZED"
    row_count: int | None = None
    columns: tuple[tuple[str, str], ...] = ()
    storage_uri: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    inputs: tuple[InputRecord, ...] = ()
    partition_key: str = ""


@dataclass(frozen=True, kw_only=True)
class CheckRecord:
    """The outcome of one check on one materialization."""

    asset_key: str
    materialization_id: str
    run_id: UUID
    check_name: str
    engine: str
    status: CheckStatus
    is_blocking: bool
    evaluated_at: datetime
    check_version: str = ""
    column_name: str | None = None
    expected: str | None = None
    actual: str | None = None
    failing_rows: int | None = None
    sample: Any = None
    partition_key: str = ""
