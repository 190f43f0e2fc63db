"""What an asset is: its key, its step, what it depends on, what must hold for it.

What lives here: the frozen description of one asset and the `@asset` decorator. What does not: the other decorators
(declaring.py), the graph of all assets (graph.py), how an asset is run (flows.engine), where the real ones are declared
(flows.definitions).

Decision: dependencies are declared, never inferred from the Python objects a step touches. A step that reads what it
did not declare fails (UndeclaredReadError), so the declared graph is the true one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, get_args

from flows.assets.columns import ColumnMap
from flows.assets.function_versions import version_of_function
from flows.assets.versions import digest_of
from flows.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import timedelta

    from flows.assets.automation import Condition
    from flows.assets.columns import ColumnEdge
    from flows.assets.days import Days
    from flows.assets.partition_mappings import PartitionMapping
    from flows.assets.partitions import Partitions
    from flows.assets.row_links import RowLink

Engine = Literal["landing", "dbt", "python", "observed"]
CONTENT_ADDRESSED: frozenset[Engine] = frozenset({"landing", "observed"})
"""Engines whose assets are brought up to date before planning: their content is their version."""
AUTO_VERSION = "auto"
"""Code version that follows the source of the step."""
Kind = Literal["raw", "view", "table", "seed", "snapshot", "model", "scores", "external"]
"""What an asset is; `external` is what a step makes outside the warehouse: a file handed over, a message, a setting."""
EXTERNAL_VERSION_PREFIX = "external:"
"""Begins the data version of such an asset: the step says what it is, nobody can hash it."""

_KEY = re.compile(r"^[a-z][a-z0-9_]*/[a-z][a-z0-9_]*$")


@dataclass(frozen=True, kw_only=True)
class CheckDefinition:
    """A check that an asset carries.

    Args:
        name: Unique among the asset's checks.
        engine: Who evaluates it: dbt, gx or gridweave.
        is_blocking: True when the asset is released only after a PASS.
        version: Changes when what is checked changes.
        blocks: Downstream assets that a check which is not blocking for all still holds back.
        evaluate: The Python check; None for checks of other engines.
    """

    name: str
    engine: str
    is_blocking: bool
    version: str = ""
    blocks: frozenset[str] = frozenset()
    evaluate: Callable[[Any], Any] | None = field(default=None, compare=False)


class StepOptions(TypedDict, total=False):
    """What may be said about a Python step besides key, dependencies and owner.

    Args:
        tags: For selection (`tag:storm`).
        parameters: Values that count as inputs.
        retries: How often a retryable failure is tried again; 2 unless said.
        timeout_seconds: The step is stopped after this; it then runs in a process of its own.
        concurrency_group: At most so many steps of one group run at once as the settings allow, 1 by default.
        priority: Higher runs first among steps that could start; 0 unless said.
        only_when: Asked before the step runs; returns None to run, or the reason to skip.
        partitions: How the asset is cut.
        partition_mappings: By dependency, which of its partitions a partition is made from.
        code_version: `auto`, or a version that a person raises when what is computed changes.
        freshness: Longest lag behind the wall clock.
        automation: When the asset is to be made without being asked for.
        checks: Checks besides the GX suite, which is found by its file name.
        row_links: Which rows of the inputs a row is made from, for `gridweave why`.
        is_per_row: A row needs no other rows of the inputs than those, so that `gridweave why` can make it again.
    """

    tags: tuple[str, ...]
    parameters: dict[str, Any]
    retries: int
    timeout_seconds: float | None
    concurrency_group: str
    priority: int
    only_when: Callable[[Any], str | None] | None
    partitions: Partitions | None
    partition_mappings: Mapping[str, PartitionMapping]
    code_version: str
    freshness: timedelta | None
    automation: Condition | None
    checks: tuple[CheckDefinition, ...]
    row_links: tuple[RowLink, ...]
    is_per_row: bool


@dataclass(frozen=True, kw_only=True)
class AssetDefinition:
    """One table, model or report, and how it comes to be.

    Args:
        key: `<schema>/<relation>`.
        engine: Who materializes it.
        kind: What it is.
        deps: Keys it reads, sorted.
        optional_deps: The part of `deps` that may be empty without the step losing its sense.
        code_version: Changes when, and only when, what the step computes may change.
        source_text: The code as a person reads it.
        source_path: Where that code stands, relative to the checkout.
        step: The Python step; None for assets of other engines.
        parameters: Values that go into the logical version.
        retries: How often a retryable failure is tried again.
        external_name: Name of the asset in its engine (dbt's unique id); equals the key elsewhere.
        columns: Declared columns and their types, where known.
        timeout_seconds: The step is stopped after this; None: never.
        concurrency_group: Steps of one group share a limit; empty: none.
        priority: Higher runs first among steps that could start.
        only_when: Asked before the step runs; returns None to run, or the reason to skip.
        partitions: How the asset is cut; None: not at all.
        partition_mappings: By dependency, where the default mapping is not meant.
        freshness: Longest lag behind the wall clock; None: any.
        automation: When the asset is to be made without being asked for.
        step_keys: All assets that one step makes together; empty when it makes this one alone.
        column_map: What each column is made from; None when nobody has looked.
        row_links: Which rows of the inputs a row of a Python step is made from.
        is_per_row: A row of a Python step needs no other rows than those.
        days: How its rows belong to days; None where it is not known by day.
    """

    key: str
    engine: Engine
    kind: Kind
    deps: tuple[str, ...] = ()
    optional_deps: frozenset[str] = frozenset()
    code_version: str = ""
    source_text: str = ""
    source_path: str = ""
    description: str = ""
    owner: str = ""
    group: str = ""
    tags: frozenset[str] = frozenset()
    checks: tuple[CheckDefinition, ...] = ()
    step: Callable[[Any], None] | None = field(default=None, compare=False)
    parameters: dict[str, Any] = field(default_factory=dict)
    retries: int = 0
    external_name: str = ""
    columns: tuple[tuple[str, str], ...] = ()
    timeout_seconds: float | None = None
    concurrency_group: str = ""
    priority: int = 0
    only_when: Callable[[Any], str | None] | None = field(default=None, compare=False)
    partitions: Partitions | None = None
    partition_mappings: Mapping[str, PartitionMapping] = field(default_factory=dict)
    freshness: timedelta | None = None
    automation: Condition | None = None
    step_keys: tuple[str, ...] = ()
    column_map: ColumnMap | None = field(default=None, compare=False)
    row_links: tuple[RowLink, ...] = field(default=(), compare=False)
    is_per_row: bool = field(default=False, compare=False)
    days: Days | None = None

    def __post_init__(self) -> None:
        if not _KEY.match(self.key):
            raise ConfigurationError(
                f"Asset key {self.key!r} ({self.source_path or 'no path'}) is not <schema>/<relation>"
                " in lower case with underscores.",
                hint="rename the asset, for example ml/load_forecast",
            )
        undeclared = self.optional_deps - set(self.deps)
        if undeclared:
            raise ConfigurationError(
                f"Asset {self.key} marks {', '.join(sorted(undeclared))} optional without depending on it.",
                hint="name it in deps too",
            )
        unmapped = set(self.partition_mappings) - set(self.deps)
        if unmapped:
            raise ConfigurationError(
                f"Asset {self.key} ({self.source_path}) maps partitions of {', '.join(sorted(unmapped))} without"
                " depending on it.",
                hint="name it in deps too",
            )
        if self.timeout_seconds is not None and self.timeout_seconds <= 0:
            raise ConfigurationError(
                f"Asset {self.key} ({self.source_path}) may take {self.timeout_seconds} s, which is no time at all.",
                hint="give a timeout above 0, or none",
            )

    @property
    def schema(self) -> str:
        """Schema part of the key."""
        return self.key.partition("/")[0]

    @property
    def relation(self) -> str:
        """Relation part of the key."""
        return self.key.partition("/")[2]


def asset(
    key: str,
    *,
    kind: Kind,
    deps: tuple[str, ...],
    optional_deps: tuple[str, ...] = (),
    owner: str,
    group: str,
    columns: Iterable[ColumnEdge] | None = None,
    **options: Unpack[StepOptions],
) -> Callable[[Callable[[Any], None]], AssetDefinition]:
    """Declare the decorated function as the step of a Python asset.

    The function takes a step context (`flows.engine.steps.context.StepContext`): it reads with `context.read(key)` and
    ends by writing. Its docstring is the asset's description; its code version follows its own source and that of the
    first-party functions it calls.

    Args:
        key: `<schema>/<relation>`.
        kind: What the step makes.
        deps: Keys the step may read.
        optional_deps: Those of `deps` that may be empty.
        owner: Team that answers for it.
        group: Use case it belongs to.
        columns: What each column is made from, complete: a column of an input that no edge names counts as not read.
            None for a step that may use everything.
        options: See `StepOptions`.

    Returns:
        A decorator that turns the function into an AssetDefinition.
    """

    def declare(step: Callable[[Any], None]) -> AssetDefinition:
        return step_definition(
            step,
            key=key,
            kind=kind,
            deps=deps,
            optional_deps=optional_deps,
            owner=owner,
            group=group,
            columns=columns,
            options=options,
        )

    return declare


def step_definition(
    step: Callable[[Any], Any],
    *,
    key: str,
    kind: Kind,
    deps: tuple[str, ...],
    optional_deps: tuple[str, ...],
    owner: str,
    group: str,
    options: StepOptions,
    engine: Engine = "python",
    step_keys: tuple[str, ...] = (),
    columns: Iterable[ColumnEdge] | None = None,
) -> AssetDefinition:
    """Describe an asset that a Python function makes or observes; see `asset`."""
    facts: dict[str, Any] = {"retries": 2, **options}
    version = version_of_function(step)
    _refuse_careless(key, kind, deps, owner=owner, group=group, source_path=version.source_path)
    code_version = facts.pop("code_version", AUTO_VERSION)
    if code_version == AUTO_VERSION:
        code_version = digest_of(version.digest, *sorted({*deps, *optional_deps}))
    return AssetDefinition(
        key=key,
        engine=engine,
        kind=kind,
        deps=tuple(sorted({*deps, *optional_deps})),
        optional_deps=frozenset(optional_deps),
        code_version=code_version,
        source_text=version.source_text,
        source_path=version.source_path,
        description=(step.__doc__ or "").strip(),
        owner=owner,
        group=group,
        tags=frozenset(facts.pop("tags", ())),
        step=step,
        external_name=key,
        step_keys=step_keys,
        column_map=None if columns is None else ColumnMap(method="declared", edges=tuple(sorted(columns))),
        **facts,
    )


def _refuse_careless(key: str, kind: str, deps: tuple[str, ...], *, owner: str, group: str, source_path: str) -> None:
    """Refuse what a type checker or a second look would have found: nobody may run either."""
    place = f"Asset {key} ({source_path})"
    if kind not in get_args(Kind):
        raise ConfigurationError(f"{place} is of kind {kind!r}.", hint=f"one of {', '.join(get_args(Kind))}")
    if not owner.strip() or not group.strip():
        raise ConfigurationError(
            f"{place} has no {'group' if owner.strip() else 'owner'}.", hint="name one in the decorator"
        )
    twice = sorted({each for each in deps if deps.count(each) > 1})
    if twice:
        raise ConfigurationError(f"{place} depends twice on {', '.join(twice)}.", hint="name it once")
