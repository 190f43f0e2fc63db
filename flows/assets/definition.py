"""What an asset is: its key, its step, what it depends on, what must hold for it.

What lives here: the frozen description of one asset and the `@asset` decorator. What does not: the graph of all
assets (graph.py), how an asset is run (flows.engine), where the real ones are declared (flows.definitions).

Decision: dependencies are declared, never inferred from the Python objects a step touches. A step that reads what it
did not declare fails (UndeclaredReadError), so the declared graph is the true one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from flows.assets.columns import ColumnMap
from flows.assets.versions import digest_of, version_of_function
from flows.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from flows.assets.columns import ColumnEdge

Engine = Literal["landing", "dbt", "python"]
Kind = Literal["raw", "view", "table", "seed", "snapshot", "model", "scores"]

_KEY = re.compile(r"^[a-z][a-z0-9_]*/[a-z][a-z0-9_]*$")


@dataclass(frozen=True, kw_only=True)
class CheckDefinition:
    """A check that an asset carries.

    Args:
        name: Unique among the asset's checks.
        engine: Who evaluates it: dbt, gx or gridweave.
        is_blocking: True when the asset is released only after a PASS.
        version: Changes when what is checked changes.
    """

    name: str
    engine: str
    is_blocking: bool
    version: str = ""


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
        column_map: What each column is made from; None when nobody has looked.
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
    column_map: ColumnMap | None = field(default=None, compare=False)

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
    tags: tuple[str, ...] = (),
    parameters: dict[str, Any] | None = None,
    retries: int = 2,
    checks: tuple[CheckDefinition, ...] = (),
    columns: Iterable[ColumnEdge] | None = None,
) -> Callable[[Callable[[Any], None]], AssetDefinition]:
    """Declare the decorated function as the step of a Python asset.

    The function takes a step context (`flows.engine.context.StepContext`): it reads with `context.read(key)` and ends
    by writing. Its docstring is the asset's description; its code version follows its own source and the first-party
    functions it calls.

    Args:
        key: `<schema>/<relation>`.
        kind: What the step makes.
        deps: Keys the step may read.
        optional_deps: Those of `deps` that may be empty.
        owner: Team that answers for it.
        group: Use case it belongs to.
        tags: For selection (`tag:storm`).
        parameters: Values that count as inputs.
        retries: How often a retryable failure is tried again.
        checks: Checks besides the GX suite, which is found by its file name.
        columns: What each column is made from, complete: a column of an input that no edge names counts as not read.
            None for a step that may use everything.

    Returns:
        A decorator that turns the function into an AssetDefinition.
    """

    def declare(step: Callable[[Any], None]) -> AssetDefinition:
        version = version_of_function(step)
        return AssetDefinition(
            key=key,
            engine="python",
            kind=kind,
            deps=tuple(sorted({*deps, *optional_deps})),
            optional_deps=frozenset(optional_deps),
            code_version=digest_of(version.digest, *sorted({*deps, *optional_deps})),
            source_text=version.source_text,
            source_path=version.source_path,
            description=(step.__doc__ or "").strip(),
            owner=owner,
            group=group,
            tags=frozenset(tags),
            checks=checks,
            step=step,
            parameters=parameters or {},
            retries=retries,
            external_name=key,
            column_map=None if columns is None else ColumnMap(method="declared", edges=tuple(sorted(columns))),
        )

    return declare
