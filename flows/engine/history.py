"""Whether what was just made or delivered looks like what came before it.

What lives here: a profile of a table (rows, share of nulls, spread of its numbers), and its comparison with earlier
ones of the same table and source. What does not: bounds that hold whatever came before (expectations/), drift of
features against a model's training data (ml/).

Decision: profiles lie where the comparison's outcome lies, in `lineage.check_result.sample`, so history needs no table
of its own and the audit chain covers it. Comparisons report, they never block: a storm looks like nothing before it.
"""

from __future__ import annotations

import json
import math
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING

import duckdb

from flows.warehouse.day_files import EVENT_DATE_COLUMN, FIRST_DAY, LAST_DAY
from flows.warehouse.identifiers import literal, quoted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from expectations.outcome import GateRequest
    from flows.lineage.records import CheckStatus

HISTORY_CHECK = "history"
FEWEST_EARLIER = 5
"""Earlier profiles without which nothing is usual yet."""
MOST_EARLIER = 30
LEAST_VOLUME_RATIO = 1.5
"""2026-11-26: a third of the rows missing, or half as many again, is worth a look even in a feed that varies."""
VOLUME_SPREADS = 6.0
"""Medians of absolute deviations, scaled to standard deviations, that are still usual for a feed that varies much."""
NULL_SHARE_STEP = 0.05
LEAST_DISTANCE = 0.1
"""Wasserstein distance over the spread from which distributions count as different; the common default of drift tools
for samples above 1,000 rows."""
DISTANCE_FACTOR = 2.0
"""How much further from the usual than any earlier one."""
QUANTILES = tuple(round(0.05 * step, 2) for step in range(1, 20))
SAMPLE_ROWS = 50_000
"""Rows that shares and quantiles are taken from; a fixed sample, so the same rows give the same profile."""
ROWS_PER_SAMPLED_ROW = 10
"""Of a table cut by day, days with so many times the rows are sampled; drawing from all would read every row."""
NUMERIC_TYPES = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT",
                 "FLOAT", "DOUBLE", "DECIMAL")  # fmt: skip
_MAD_TO_STANDARD_DEVIATION = 1.4826


@dataclass(frozen=True, kw_only=True)
class Profile:
    """What a table looks like.

    Args:
        source: Source of a load; empty for tables that are made here.
        row_count: Rows.
        null_shares: Share of nulls, 0 to 1, by column.
        quantiles: 5 % to 95 % in steps of 5 %, by numeric column that has values.
    """

    source: str
    row_count: int
    null_shares: Mapping[str, float]
    quantiles: Mapping[str, tuple[float, ...]]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """How a profile compares with earlier ones.

    Args:
        status: PASS, FAIL, or NOT_RUN while there is too little to compare with.
        actual: In words.
        profile: The new profile, for those that come after; None where the relation could not be read.
    """

    status: CheckStatus
    actual: str
    profile: Profile | None

    @property
    def sample(self) -> list[dict[str, object]] | None:
        """The profile as the ledger keeps it."""
        if self.profile is None:
            return None
        return [
            {
                "source": self.profile.source,
                "row_count": self.profile.row_count,
                "null_shares": dict(self.profile.null_shares),
                "quantiles": {name: list(values) for name, values in self.profile.quantiles.items()},
            }
        ]


def compare_with_history(connection: duckdb.DuckDBPyConnection, request: GateRequest) -> Comparison:
    """Profile what a gate looks at and compare it with what passed there before.

    Args:
        connection: The owner's.
        request: The relation, with the loads or the materialization it is restricted to.
    """
    try:
        profile = profile_of(connection, request)
    except duckdb.Error as error:  # the suite says what is wrong with it, and fails closed
        return Comparison(status="ERROR", actual=f"could not be profiled: {error}", profile=None)
    earlier = _earlier(connection, request.asset_key, profile.source)
    if len(earlier) < FEWEST_EARLIER:
        actual = f"{profile.row_count:,} rows; {len(earlier)} earlier ones, {FEWEST_EARLIER} are needed to compare"
        return Comparison(status="NOT_RUN", actual=actual, profile=profile)
    found = [*_volume(profile, earlier), *_null_shares(profile, earlier), *_distances(profile, earlier)]
    actual = "; ".join(found) or f"{profile.row_count:,} rows, like the {len(earlier)} before"
    return Comparison(status="FAIL" if found else "PASS", actual=actual, profile=profile)


def profile_of(connection: duckdb.DuckDBPyConnection, request: GateRequest) -> Profile:
    """Profile a relation; shares and quantiles come from a sample of it."""
    schema, name = request.source_relation
    rows = f"{quoted(schema)}.{quoted(name)} where {_condition(request)}"
    kinds = connection.cursor().execute(f"describe {quoted(schema)}.{quoted(name)}").fetchall()
    columns = {str(column): str(kind) for column, kind, *_ in kinds if not str(column).startswith("_")}
    numbers = [
        column for column, kind in columns.items() if kind.startswith(NUMERIC_TYPES) and not column.endswith("_id")
    ]
    source = "min(_source)" if "_source" in {str(column) for column, *_ in kinds} else "null"
    counted = connection.cursor().execute(f"select count(*), {source} from {rows}").fetchone()  # noqa: S608 - quoted names and literals
    row_count, source_name = counted or (0, None)
    if EVENT_DATE_COLUMN in {str(column) for column, *_ in kinds}:
        rows += _of_some_days(connection, rows, row_count)
    shares = [f"coalesce(avg(({quoted(column)} is null)::int), 0)" for column in columns]
    spreads = [f"quantile_cont({quoted(column)}::double, {list(QUANTILES)})" for column in numbers]
    measured = connection.cursor().execute(
        f"select {', '.join(['count(*)', *shares, *spreads])} from"  # noqa: S608 - quoted names and literals
        f" (select {', '.join(map(quoted, columns))} from {rows})"
        f" using sample reservoir({SAMPLE_ROWS} rows) repeatable (1)"
    )
    _, *found = measured.fetchone() or (0,)  # an aggregate always has its one row
    return Profile(
        source=source_name or "",
        row_count=row_count,
        null_shares={column: round(share, 6) for column, share in zip(columns, found, strict=False)},
        quantiles={
            column: tuple(values)
            for column, values in zip(numbers, found[len(columns) :], strict=True)
            if values is not None and all(math.isfinite(each) for each in values)
        },
    )


def _of_some_days(connection: duckdb.DuckDBPyConnection, rows: str, row_count: int) -> str:
    """Condition that leaves enough whole days to take a sample from, spread evenly: those of others are never read."""
    needed = ROWS_PER_SAMPLED_ROW * SAMPLE_ROWS
    if row_count < 2 * needed:
        return ""
    counted = connection.cursor().execute(
        f"select {EVENT_DATE_COLUMN}, count(*) from {rows}"  # noqa: S608 - quoted names and literals
        f" and {EVENT_DATE_COLUMN} not in ('{FIRST_DAY}', '{LAST_DAY}') group by all order by all"
    )
    days = counted.fetchall()
    step = max(row_count // needed, 1)
    while step > 1 and sum(count for _, count in days[step // 2 :: step]) < needed:
        step -= 1
    if step == 1:
        return ""
    chosen = ", ".join(literal(str(day)) for day, _ in days[step // 2 :: step])
    return f" and {EVENT_DATE_COLUMN} in ({chosen})"


def _condition(request: GateRequest) -> str:
    if not request.is_restricted:
        return "true"
    if request.load_ids is not None:
        return f"_load_id in ({', '.join(literal(each) for each in request.load_ids)})"
    return f"materialization_id = {literal(request.materialization_id)}" if request.materialization_id else "true"


def _earlier(connection: duckdb.DuckDBPyConnection, asset_key: str, source: str) -> list[Profile]:
    """Latest profiles of a table and source that were taken over; also unusual ones, which no single one decides by."""
    rows = connection.cursor().execute(
        "select sample::varchar from lineage.check_result c where asset_key = ? and check_name = ?"
        " and sample is not null and (sample->>'$[0].source') = ?"
        " and not exists (select 1 from lineage.materialization m"
        "  where m.materialization_id = c.materialization_id and m.event_kind = 'OBSERVED')"
        " order by evaluated_at desc, check_result_id limit ?",
        [asset_key, HISTORY_CHECK, source, MOST_EARLIER],
    )
    return [_profile(json.loads(sample)[0]) for (sample,) in rows.fetchall()]


def _profile(kept: Mapping[str, object]) -> Profile:
    quantiles = {name: tuple(values) for name, values in dict(kept["quantiles"]).items()}  # type: ignore[call-overload] # JSON of `Comparison.sample`
    return Profile(
        source=str(kept["source"]),
        row_count=int(str(kept["row_count"])),
        null_shares=dict(kept["null_shares"]),  # type: ignore[call-overload] # JSON of `Comparison.sample`
        quantiles=quantiles,
    )


def _volume(profile: Profile, earlier: Sequence[Profile]) -> list[str]:
    """Compare row counts as ratios: a feed twice as large varies by twice as many rows."""
    logs = [math.log(max(each.row_count, 1)) for each in earlier]
    usual = statistics.median(logs)
    spread = _MAD_TO_STANDARD_DEVIATION * statistics.median(abs(each - usual) for each in logs)
    limit = max(math.log(LEAST_VOLUME_RATIO), VOLUME_SPREADS * spread)
    if abs(math.log(max(profile.row_count, 1)) - usual) <= limit:
        return []
    least, most = (round(math.exp(usual + sign * limit)) for sign in (-1, 1))
    return [f"{profile.row_count:,} rows, usual are {least:,} to {most:,}"]


def _null_shares(profile: Profile, earlier: Sequence[Profile]) -> list[str]:
    found = []
    for column, share in profile.null_shares.items():
        before = [each.null_shares[column] for each in earlier if column in each.null_shares]
        if len(before) >= FEWEST_EARLIER and share > _usual_most(before) + NULL_SHARE_STEP:
            found.append(f"{column} is null in {share:.1%} of rows, usually in at most {_usual_most(before):.1%}")
    return found


def _distances(profile: Profile, earlier: Sequence[Profile]) -> list[str]:
    found = []
    for column, quantiles in profile.quantiles.items():
        before = [each.quantiles[column] for each in earlier if column in each.quantiles]
        if len(before) < FEWEST_EARLIER:
            continue
        usual = [statistics.median(step) for step in zip(*before, strict=True)]
        spread = usual[-1] - usual[0]
        if spread <= 0:
            continue
        limit = max(LEAST_DISTANCE, DISTANCE_FACTOR * _usual_most([_distance(each, usual) / spread for each in before]))
        distance = _distance(quantiles, usual) / spread
        if distance > limit:
            middle = len(usual) // 2
            found.append(
                f"{column} is distributed differently: median {quantiles[middle]:,.4g}, usual {usual[middle]:,.4g}"
                f" (distance {distance:.2f} of its spread, limit {limit:.2f})"
            )
    return found


def _distance(quantiles: Sequence[float], usual: Sequence[float]) -> float:
    """Wasserstein distance of two distributions given by the same quantiles, in their unit."""
    return statistics.fmean(abs(one - other) for one, other in zip(quantiles, usual, strict=True))


def _usual_most(values: Sequence[float]) -> float:
    """The largest but one: a single odd delivery must not make the next one like it usual."""
    return sorted(values)[-2]
