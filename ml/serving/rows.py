"""What a scoring request asks for: rows as objects, rows as columns, or names whose published features are scored.

What lives here: strict JSON to a matrix. What does not: reading bytes (`body`), scoring (`scoring`).

Strict: a number is a JSON number (no numeric strings, no booleans), finite; no field that is not known. A feature that
is null or left out is unknown, and `missing_feature_share` says how many are.
"""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from ml.serving.problems import Problem, invalid

if TYPE_CHECKING:
    from collections.abc import Sequence

    from ml.metrics import Floats
    from ml.serving.snapshot import LiveFeatures
    from ml.serving.use_cases import ServedUseCase

NAME_LENGTH = 128
LARGEST = 1e12
"""No feature has such values; beyond it, sums of squares lose their last digits."""
NUMBERS = frozenset({int, float, type(None)})
TEXTS = frozenset({str})
FORMS = ("rows", "columns")
NETWORK = "network_id"


@dataclass(frozen=True, kw_only=True)
class Rows:
    """Rows to score.

    Attributes:
        network_ids: Network of each row.
        entities: Asset or feeder of each row; empty where the client did not say.
        matrix: Features, shape (n, n_features); NaN marks unknown.
        labels: Per row, what else the answer says of it; empty for rows that the client sent.
        features: Where the features are from; None for rows that the client sent.
        is_columnar: Whether the client sent columns, and gets columns.
    """

    network_ids: Sequence[str]
    entities: Sequence[str]
    matrix: Floats
    labels: Sequence[dict[str, str]] = ()
    features: LiveFeatures | None = None
    is_columnar: bool = False


def parse_rows(
    content: Any,  # noqa: ANN401 - any JSON
    served: ServedUseCase,
    *,
    networks: Sequence[str],
    live: LiveFeatures | None,
    at_most: int,
) -> Rows:
    """Read a request.

    Args:
        content: The parsed body.
        served: Use case.
        networks: Networks the model knows.
        live: Published features; None when there are none.
        at_most: Most rows.

    Raises:
        Problem: 404 or 422.
    """
    forms = (*FORMS, served.entities)
    if not isinstance(content, dict):
        raise invalid(f"The body is not an object with one of {', '.join(forms)}.")
    given = [form for form in forms if form in content]
    if len(given) != 1 or set(content) - {*given, NETWORK}:
        raise invalid(f"Give exactly one of {', '.join(forms)}, and {NETWORK} or nothing else.")
    network = content.get(NETWORK)
    if network is not None and not _is_name(network):
        raise invalid("A name is no name.", [(NETWORK, "not a text of 1 to 128 printable characters")])
    if network is not None and network not in networks:
        raise _unknown_network([(NETWORK, "the model knows no such network")])
    form = given[0]
    if form == served.entities:
        return _named(content[form], served, network=network, networks=networks, live=live, at_most=at_most)
    columns = (
        _columns_of(content[form], served, at_most) if form == "rows" else _checked(content[form], served, at_most)
    )
    # rows of which nothing is known are rows, too
    count = len(content[form]) if form == "rows" else len(next(iter(columns.values())))
    return _matrix(columns, count, served, network=network, networks=networks, is_columnar=form == "columns")


def _columns_of(rows: Any, served: ServedUseCase, at_most: int) -> dict[str, list[Any]]:  # noqa: ANN401 - any JSON
    """Turn rows into columns."""
    if not isinstance(rows, list) or not 0 < len(rows) <= at_most:
        raise invalid(f"rows is not a list of 1 to {at_most:,} objects.")
    allowed = {*served.features, served.entity, NETWORK}
    wrong = [
        (f"rows[{place}]", f"not an object with {served.entity}, {NETWORK} and features only")
        for place, row in enumerate(rows)
        if not (isinstance(row, dict) and row.keys() <= allowed)
    ]
    if wrong:
        raise invalid("Some rows have another shape.", wrong)
    return {name: [row.get(name) for row in rows] for name in allowed if any(name in row for row in rows)}


def _checked(columns: Any, served: ServedUseCase, at_most: int) -> dict[str, list[Any]]:  # noqa: ANN401 - any JSON
    """Return columns that are lists of one length under known names."""
    allowed = {*served.features, served.entity, NETWORK}
    if not isinstance(columns, dict) or not columns or not columns.keys() <= allowed:
        raise invalid(f"columns is not an object with lists for {served.entity}, {NETWORK} and features only.")
    lengths = {len(values) if isinstance(values, list) else -1 for values in columns.values()}
    if len(lengths) != 1 or not 0 < next(iter(lengths)) <= at_most:
        raise invalid(f"columns are not lists of one length from 1 to {at_most:,}.")
    return columns


def _matrix(
    columns: dict[str, list[Any]],
    count: int,
    served: ServedUseCase,
    *,
    network: str | None,
    networks: Sequence[str],
    is_columnar: bool,
) -> Rows:
    unknown = [None] * count
    values = [columns.get(name, unknown) for name in served.features]
    matrix = _numbers(values)
    wrong: list[tuple[str, str]] = []
    if matrix is None:
        wrong = [
            (name, f"not null or a finite number within {LARGEST:g} in every row")
            for name, column in zip(served.features, values, strict=True)
            if _numbers([column]) is None
        ]
    entities = columns.get(served.entity)
    if entities is not None and not _are_names(entities):
        wrong.append((served.entity, "not a text of 1 to 128 printable characters in every row"))
    of_row = columns.get(NETWORK)
    if of_row is not None and not _are_names(of_row):
        wrong.append((NETWORK, "not a text of 1 to 128 printable characters in every row"))
    if wrong or matrix is None:
        raise invalid("Some values cannot be scored.", wrong)
    if of_row is None:
        of_row = [_only(networks) if network is None else network] * count
    elif set(of_row) - set(networks) or (network is not None and set(of_row) != {network}):
        raise _unknown_network([(NETWORK, "the model does not know it, or it is not the one named beside the rows")])
    return Rows(network_ids=of_row, entities=entities or [""] * count, matrix=matrix.T, is_columnar=is_columnar)


def _numbers(columns: list[list[Any]]) -> Floats | None:
    """Return columns of JSON numbers and nulls as a matrix; None when there is anything else among them."""
    if not NUMBERS.issuperset(set(map(type, chain.from_iterable(columns)))):
        return None
    try:
        matrix = np.array(columns, dtype=float)
    except OverflowError:  # an integer beyond floats
        return None
    # null has become NaN, and NaN itself is no JSON; what is infinite was a number too large
    return None if (np.abs(matrix) > LARGEST).any() else matrix


def _named(
    entities: Any,  # noqa: ANN401 - any JSON
    served: ServedUseCase,
    *,
    network: str | None,
    networks: Sequence[str],
    live: LiveFeatures | None,
    at_most: int,
) -> Rows:
    """Take the published features of the entities named."""
    if not isinstance(entities, list) or not 0 < len(entities) <= at_most or not _are_names(entities):
        raise invalid(f"{served.entities} is not a list of 1 to {at_most:,} names.")
    if live is None:
        raise Problem(HTTPStatus.NOT_FOUND, "No features are published; send rows with features.")
    places: list[int] = []
    wrong: list[tuple[str, str]] = []
    for number, entity in enumerate(entities):
        of_entity = [each for each in live.networks.get(entity, ()) if network in {None, each} and each in networks]
        if len(of_entity) == 1:
            places.extend(live.places[of_entity[0], entity])
        else:
            what = "in several networks; give network_id" if of_entity else "has no live features in a modelled network"
            wrong.append((f"{served.entities}[{number}]", what))
    if wrong:
        raise Problem(HTTPStatus.NOT_FOUND, "Some names cannot be scored.", faults=wrong)
    if len(places) > at_most:
        raise invalid(f"These names have more than {at_most:,} rows.")
    return Rows(
        network_ids=[live.network_ids[place] for place in places],
        entities=[live.entities[place] for place in places],
        matrix=live.matrix[places],
        labels=[live.labels[place] for place in places],
        features=live,
    )


def _only(networks: Sequence[str]) -> str:
    if len(networks) != 1:
        raise invalid("The model knows several networks.", [(NETWORK, "missing")])
    return networks[0]


def _unknown_network(faults: Sequence[tuple[str, str]]) -> Problem:
    return invalid("A network is not modelled.", faults)


def _are_names(values: list[Any]) -> bool:
    return TEXTS.issuperset(map(type, values)) and all(map(_is_name, set(values)))


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= NAME_LENGTH and value.isprintable()
