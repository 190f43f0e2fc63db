"""Declaring assets that are more than one function making one table.

What lives here: `multi_asset` (one step, many assets), `observe` (an asset that is looked at, not made), `asset_check`
(a Python check) and attaching checks to their assets. What does not: `asset` and what an asset is (definition.py), how
steps and checks are run (flows.engine).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Unpack

from flows.assets.definition import AssetDefinition, CheckDefinition, Kind, StepOptions, step_definition
from flows.assets.function_versions import version_of_function
from flows.assets.versions import digest_of
from flows.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


@dataclass(frozen=True, kw_only=True)
class CheckOutcome:
    """What a Python check found.

    Args:
        is_passed: True when what was expected holds.
        expected: What was expected, for a person.
        actual: What was found.
        failing_rows: How many rows did not hold; None where that has no meaning.
    """

    is_passed: bool
    expected: str = ""
    actual: str = ""
    failing_rows: int | None = None


@dataclass(frozen=True, kw_only=True)
class AssetCheck:
    """A check and the asset it is declared on.

    Args:
        asset_key: The asset.
        definition: The check.
        source_path: Where it is declared.
    """

    asset_key: str
    definition: CheckDefinition
    source_path: str


def multi_asset(
    kinds: Mapping[str, Kind],
    *,
    deps: tuple[str, ...],
    optional_deps: tuple[str, ...] = (),
    owner: str,
    group: str,
    **options: Unpack[StepOptions],
) -> Callable[[Callable[[Any], None]], tuple[AssetDefinition, ...]]:
    """Declare the decorated function as the one step of several assets.

    The step runs once when any of them must be made; it writes each with `context.write(frame, key=…)`.

    Args:
        kinds: Kind of each asset by key.
        deps: Keys the step may read.
        optional_deps: Those of `deps` that may be empty.
        owner: Team that answers for them.
        group: Use case they belong to.
        options: See `StepOptions`; they hold for all.

    Returns:
        A decorator that turns the function into a definition per asset.

    Raises:
        ConfigurationError: One is external: its siblings could not be made again without acting outside again.
    """
    external = sorted(key for key, kind in kinds.items() if kind == "external")
    if external and len(kinds) > 1:
        raise ConfigurationError(
            f"External asset {external[0]} shares a step with {', '.join(sorted(set(kinds) - {external[0]}))}.",
            hint="give what acts outside the warehouse a step of its own, with the others among its deps",
        )

    def declare(step: Callable[[Any], None]) -> tuple[AssetDefinition, ...]:
        return tuple(
            step_definition(
                step,
                key=key,
                kind=kind,
                deps=deps,
                optional_deps=optional_deps,
                owner=owner,
                group=group,
                options=options,
                step_keys=tuple(kinds),
            )
            for key, kind in kinds.items()
        )

    return declare


def observe(
    key: str, *, kind: Kind = "raw", owner: str, group: str, **options: Unpack[StepOptions]
) -> Callable[[Callable[[Any], str]], AssetDefinition]:
    """Declare an asset that others make: the decorated function returns its data version, before each plan.

    Args:
        key: `<schema>/<relation>`.
        kind: What it is.
        owner: Team that answers for it.
        group: Use case it belongs to.
        options: See `StepOptions`.
    """

    def declare(step: Callable[[Any], str]) -> AssetDefinition:
        return step_definition(
            step,
            key=key,
            kind=kind,
            deps=(),
            optional_deps=(),
            owner=owner,
            group=group,
            options=options,
            engine="observed",
        )

    return declare


def asset_check(
    asset_key: str, *, is_blocking: bool = True, blocks: tuple[str, ...] = (), name: str = ""
) -> Callable[[Callable[[Any], CheckOutcome]], AssetCheck]:
    """Declare the decorated function as a check of an asset; it runs right after the asset was made.

    Args:
        asset_key: The asset.
        is_blocking: Nothing downstream runs without a PASS; False reports only.
        blocks: Hold back only these and what is made from them; others may read.
        name: How the check is called; the function's name unless said.

    Returns:
        A decorator that turns the function, from a frame of the asset's rows to an outcome, into a check.

    Raises:
        ConfigurationError: It is used without brackets: then no asset is named and nothing would be checked.
    """
    if not isinstance(asset_key, str):
        raise ConfigurationError(
            f"Check {getattr(asset_key, '__name__', asset_key)} names no asset.",
            hint='name it in the decorator: @asset_check("marts/fct_load")',
        )

    def declare(evaluate: Callable[[Any], CheckOutcome]) -> AssetCheck:
        version = version_of_function(evaluate)
        definition = CheckDefinition(
            name=name or f"python:{evaluate.__name__}",
            engine="gridweave",
            is_blocking=is_blocking and not blocks,
            version=version.digest[:16],
            blocks=frozenset(blocks),
            evaluate=evaluate,
        )
        return AssetCheck(asset_key=asset_key, definition=definition, source_path=version.source_path)

    return declare


def with_checks(definitions: Iterable[AssetDefinition], checks: Iterable[AssetCheck]) -> tuple[AssetDefinition, ...]:
    """Attach checks to their assets; a check's version becomes part of the asset's code version.

    Raises:
        ConfigurationError: A check is on no asset, or declared twice; the message names the places.
    """
    definitions = tuple(definitions)
    by_key: dict[str, list[AssetCheck]] = defaultdict(list)
    for check in checks:
        by_key[check.asset_key].append(check)
    known = {each.key for each in definitions}
    for key, found in by_key.items():
        if key not in known:
            near = get_close_matches(key, known, n=1)
            raise ConfigurationError(
                f"Check {found[0].definition.name} ({found[0].source_path}) is on {key}, which does not exist.",
                hint=f"did you mean {near[0]}?" if near else "declare the asset or drop the check",
            )
        _refuse_same_name(key, found)
    return tuple(_with_checks(each, by_key[each.key]) if each.key in by_key else each for each in definitions)


def _with_checks(definition: AssetDefinition, checks: Iterable[AssetCheck]) -> AssetDefinition:
    added = tuple(each.definition for each in checks)
    return replace(
        definition,
        checks=(*definition.checks, *added),
        code_version=digest_of(definition.code_version, *(each.version for each in added)),
    )


def _refuse_same_name(key: str, checks: Iterable[AssetCheck]) -> None:
    names = Counter(each.definition.name for each in checks)
    for name, count in names.items():
        if count > 1:
            places = ", ".join(sorted({each.source_path for each in checks if each.definition.name == name}))
            raise ConfigurationError(f"Check {name} of {key} is declared {count} times: {places}.", hint="rename one")
