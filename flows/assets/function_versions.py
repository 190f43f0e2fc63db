"""Version of a Python function: a digest over it and the code of this project that decides what it computes.

What lives here: which code a function reaches. What does not: the version of an asset (flows.assets.definition), which
adds what it is made from; SQL (flows.assets.columns).

Decision: in the function's own package names are followed one by one, so that neither a helper beside it is left out
nor another step of the same module counts. What it imports from `ml` counts as whole modules, with all they import
there: a module of computation holds one concept. Orchestration (flows.engine and the like) is not followed; it does not
decide what a step computes. Neither does what a decorator says, other than by its own text.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.assets.versions import CHECKOUT, digest_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

COMPUTATION = "ml"
REGISTRY = "ml.registry"

_Import = tuple[str, str]
"""A module and the name taken from it; no name for the module itself."""


@dataclass(frozen=True, kw_only=True)
class FunctionVersion:
    """Version of a function: a digest over it and all first-party code it can call."""

    digest: str
    source_text: str
    source_path: str


@dataclass(frozen=True, kw_only=True)
class _Names:
    """What a module says at its top level, by name; types that only a checker imports are left out."""

    defined: dict[str, list[ast.stmt]] = field(default_factory=dict)
    imported: dict[str, list[_Import]] = field(default_factory=dict)


def version_of_function(function: Callable[..., Any]) -> FunctionVersion:
    """Compute the version of a function over its own source and what it reaches.

    Args:
        function: Any function whose source is to be had.

    Raises:
        OSError: There is no source.
    """
    source_text = textwrap.dedent(inspect.getsource(function))
    path = Path(inspect.getsourcefile(function) or "")
    tree = ast.parse(source_text)
    names, modules = _reached(function.__module__, tree)
    digest = digest_of(
        _dumped(tree),
        *(part for at, name in sorted(names) for part in (name, *(_dumped(each) for each in names[at, name]))),
        *(_module_dump(module) for module in sorted(modules)),
    )
    relative = path.relative_to(CHECKOUT) if path.is_relative_to(CHECKOUT) else path.name
    return FunctionVersion(digest=digest, source_text=source_text, source_path=str(relative))


def _reached(module: str, function: ast.Module) -> tuple[dict[_Import, list[ast.stmt]], set[str]]:
    """Follow a function: statements by module and name in its own package, and whole modules."""
    statements: dict[_Import, list[ast.stmt]] = {}
    modules: set[str] = set()
    waiting = list(_mentioned(module, function.body))
    while waiting:
        at, name = waiting.pop()
        inner = at if name in {"", "*"} else f"{at}.{name}"
        if _is_computation(at) or _is_computation(inner):
            modules |= _with_what_it_imports(at) | _with_what_it_imports(inner)
        elif _is_beside(inner, module) and inner not in modules and _source_of(inner):
            modules.add(inner)
            waiting.extend(_mentioned(inner, ast.parse(_source_of(inner)).body))
        elif _is_beside(at, module) and (at, name) not in statements:
            names = _names_of(at)
            statements[at, name] = names.defined.get(name, [])
            waiting.extend([*_mentioned(at, statements[at, name]), *names.imported.get(name, [])])
    return {each: found for each, found in statements.items() if found}, modules


def _is_beside(other: str, module: str) -> bool:
    """Whether it is the module itself or one of its package."""
    package = module.rpartition(".")[0]
    return other == module or (package != "" and other.rpartition(".")[0] == package)


def _mentioned(module: str, statements: Iterable[ast.stmt]) -> Iterator[_Import]:
    """What statements name: names of their module, and what they import themselves."""
    for statement in statements:
        for node in _without_decorators(statement):
            if isinstance(node, ast.Name):
                yield module, node.id
            elif isinstance(node, ast.Import | ast.ImportFrom):
                yield from (imported for _, imported in _imports(node))


def _without_decorators(statement: ast.stmt) -> Iterator[ast.AST]:
    """Walk a statement; of a function only what counts when it is called."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        yield from (node for part in (statement.args, *statement.body) for node in ast.walk(part))
    else:
        yield from ast.walk(statement)


def _with_what_it_imports(module: str) -> set[str]:
    """Names of a module of computation and all others of them that it imports, directly or through others."""
    reached: set[str] = set()
    waiting = [module]
    while waiting:
        name = waiting.pop()
        if name not in reached and _is_computation(name) and name != REGISTRY and _source_of(name):
            reached.add(name)
            waiting.extend(_imports_of(name))
    return reached


def _is_computation(module: str) -> bool:
    return module.startswith(f"{COMPUTATION}.")


@cache
def _names_of(module: str) -> _Names:
    names = _Names()
    for statement in _top_level(ast.parse(_source_of(module)).body):
        if isinstance(statement, ast.Import | ast.ImportFrom):
            for name, imported in _imports(statement):
                names.imported.setdefault(name, []).append(imported)
        for name in _bound_by(statement):
            names.defined.setdefault(name, []).append(statement)
    return names


def _top_level(statements: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Statements that run on import; what is under `if` or `try` stands for itself."""
    for statement in statements:
        if isinstance(statement, ast.If) and ast.unparse(statement.test).endswith("TYPE_CHECKING"):
            yield from _top_level(statement.orelse)
        elif isinstance(statement, ast.If | ast.Try):
            handlers = getattr(statement, "handlers", [])
            inner = [statement.body, *(each.body for each in handlers), statement.orelse]
            yield from (each for body in inner for each in _top_level(body))
        else:
            yield statement


def _bound_by(statement: ast.stmt) -> set[str]:
    """Names that a statement gives a meaning to, or another one."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    stored = [node for node in ast.walk(statement) if isinstance(getattr(node, "ctx", None), ast.Store)]
    return {name.id for target in stored for name in ast.walk(target) if isinstance(name, ast.Name)}


def _imports(node: ast.Import | ast.ImportFrom) -> list[tuple[str, _Import]]:
    """Each name that an import binds, with what it stands for."""
    if isinstance(node, ast.Import):
        return [(each.asname or each.name.partition(".")[0], (each.name, "")) for each in node.names]
    return [(each.asname or each.name, (node.module or "", each.name)) for each in node.names]


@cache
def _imports_of(module: str) -> tuple[str, ...]:
    """Modules that a module imports anywhere, also inside functions."""
    found = {
        imported
        for node in ast.walk(ast.parse(_source_of(module)))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for _, (source, name) in _imports(node)
        for imported in (source, f"{source}.{name}")
    }
    return tuple(sorted(each for each in found if _is_computation(each)))


@cache
def _source_of(module: str) -> str:
    """Source of a module or package of this checkout, or of one that is loaded; empty when it is neither."""
    base = CHECKOUT.joinpath(*module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate.read_text(encoding="utf-8")
    loaded = sys.modules.get(module)
    return inspect.getsource(loaded) if loaded and getattr(loaded, "__file__", None) else ""


@cache
def _module_dump(name: str) -> str:
    return _dumped(ast.parse(_source_of(name)))


def _dumped(tree: ast.AST) -> str:
    """Dump a syntax tree without docstrings and positions; the tree itself, which is remembered, stays as it is."""
    tree = deepcopy(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            body = node.body
            if body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
                node.body = body[1:]
    return ast.dump(tree, include_attributes=False)
