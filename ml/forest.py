"""What a scikit-learn forest says about many rows in one pass: mean, spread and what moved the mean.

What lives here: reading fitted trees, row by row, in chunks on threads. What does not: fitting (the use cases).
Decision: each tree is walked once per row and all else is looked up by leaf. scikit-learn's own `predict_proba` walks
it again for every question, and a million rows of 160 votes at once are 1.3 GB. No figure depends on the chunk or the
thread a row is in: nothing is added up across rows. Few rows walk all trees side by side: asking 160 trees
one by one costs 2 ms however few rows there are. A forest is read once and remembered while it lives.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from weakref import WeakKeyDictionary

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt

    from ml.metrics import Floats

    Places = npt.NDArray[np.intp]

Answer = TypeVar("Answer")
CHUNK_ROWS = 8_192  # votes and contributions of a chunk stay within a core's cache
FEW_ROWS = 16  # from about here on the compiled walk down one tree is faster


@dataclass(frozen=True, kw_only=True)
class ForestAnswer:
    """What the trees say about each row.

    Attributes:
        mean: Mean vote, shape (n,).
        quantiles: Quantiles of the votes, shape (n_levels, n).
        contributions: How much each feature moved the mean vote away from the root's, shape (n, n_features).
    """

    mean: Floats
    quantiles: Floats
    contributions: Floats


def ask_forest(
    pipeline: Any,  # noqa: ANN401 - scikit-learn is untyped
    features: Floats,
    *,
    levels: Sequence[float],
    job_count: int,
    chunk_rows: int = CHUNK_ROWS,
) -> ForestAnswer:
    """Ask a fitted pipeline of a transformer and a forest.

    Args:
        pipeline: Imputer (or any transformer that works row by row) and a forest of one output; of a classifier the
            vote is the share of the second class.
        features: Shape (n, n_features).
        levels: Quantile levels of the votes, 0-1, linear between votes.
        job_count: Threads; no result depends on it.
        chunk_rows: Rows at once; no result depends on it.

    Source: contributions after Saabas 2014, "Interpreting random forests"; Palczewska et al. 2013.
    """
    forest = ReadForest.of(pipeline, features.shape[1])
    answers = map_chunks(lambda rows: forest.ask(rows, levels), features, job_count=job_count, chunk_rows=chunk_rows)
    return ForestAnswer(
        mean=np.concatenate([each.mean for each in answers]),
        quantiles=np.concatenate([each.quantiles for each in answers], axis=1),
        contributions=np.concatenate([each.contributions for each in answers]),
    )


def map_chunks(
    ask: Callable[[Floats], Answer], features: Floats, *, job_count: int, chunk_rows: int = CHUNK_ROWS
) -> list[Answer]:
    """Ask about all rows, chunk by chunk on threads, and return the answers in the order of the rows."""
    if len(features) <= chunk_rows:
        return [ask(features)]
    rounds = -(-len(features) // (chunk_rows * job_count))
    chunks = np.array_split(features, rounds * job_count)  # of one size, so that no thread waits for another
    with ThreadPoolExecutor(max_workers=job_count) as pool:
        return list(pool.map(ask, chunks))


def top_two(contributions: Floats) -> tuple[Places, Places]:
    """Return the column of the largest and of the second largest contribution of each row; of equal ones the first."""
    rest = contributions.copy()
    first = rest.argmax(axis=1)
    rest[np.arange(len(rest)), first] = -np.inf
    return first, rest.argmax(axis=1)


@dataclass(frozen=True, kw_only=True)
class _ReadTree:
    """A tree, its value at each node and the way there."""

    tree: Any
    values: Floats
    contributions: Floats

    @classmethod
    def of(cls, tree: Any, feature_count: int) -> _ReadTree:  # noqa: ANN401 - see above
        """Read the nodes; children come after their parents."""
        stored = tree.value[:, 0, :]
        values = stored[:, 0] if stored.shape[1] == 1 else stored[:, 1] / stored.sum(axis=1)
        moved = np.zeros((tree.node_count, feature_count))
        for node in range(tree.node_count):
            for child in (tree.children_left[node], tree.children_right[node]):
                if child > 0:
                    moved[child] = moved[node]
                    moved[child, tree.feature[node]] += values[child] - values[node]
        return cls(tree=tree, values=np.ascontiguousarray(values), contributions=moved)


@dataclass(frozen=True, kw_only=True)
class _AllTrees:
    """The nodes of all trees in one numbering, a leaf being its own child."""

    roots: Places
    left: Places
    right: Places
    feature: Places
    threshold: Floats
    values: Floats
    contributions: Floats
    depth: int

    @classmethod
    def of(cls, trees: Sequence[_ReadTree]) -> _AllTrees:
        """Number the nodes of one tree after those of another."""
        stored = [each.tree for each in trees]
        roots = np.cumsum([0, *(each.node_count for each in stored[:-1])])
        own = np.arange(sum(each.node_count for each in stored))
        offset = np.repeat(roots, [each.node_count for each in stored])

        def joined(name: str) -> Any:  # noqa: ANN401 - scikit-learn is untyped
            return np.concatenate([getattr(each, name) for each in stored])

        left, right = joined("children_left"), joined("children_right")
        is_leaf = left < 0
        return cls(
            roots=roots,
            left=np.where(is_leaf, own, left + offset),
            right=np.where(is_leaf, own, right + offset),
            feature=np.where(is_leaf, 0, joined("feature")),
            threshold=joined("threshold"),
            values=np.concatenate([each.values for each in trees]),
            contributions=np.concatenate([each.contributions for each in trees]),
            depth=max(each.max_depth for each in stored),
        )

    def leaves(self, rows: npt.NDArray[np.float32]) -> Places:
        """Return the leaf of each row in each tree, shape (n, n_trees)."""
        row = np.arange(len(rows))[:, None]
        node = np.repeat(self.roots[None, :], len(rows), axis=0)
        for _ in range(self.depth):
            is_below = rows[row, self.feature[node]] <= self.threshold[node]
            node = np.where(is_below, self.left[node], self.right[node])
        return node


_READ: WeakKeyDictionary[Any, ReadForest] = WeakKeyDictionary()


@dataclass(frozen=True, kw_only=True)
class ReadForest:
    """A fitted pipeline whose trees have been read, ready to be asked about many chunks of rows."""

    transformer: Any
    trees: tuple[_ReadTree, ...]
    all_trees: _AllTrees
    fill: Floats | None

    @classmethod
    def of(cls, pipeline: Any, feature_count: int) -> ReadForest:  # noqa: ANN401 - see above
        """Read the trees, once for each pipeline: the Python loops over their nodes take a tenth of a second."""
        known = _READ.get(pipeline)
        if known is None:
            trees = tuple(_ReadTree.of(each.tree_, feature_count) for each in pipeline[1].estimators_)
            transformer = pipeline[0]
            known = cls(
                transformer=transformer, trees=trees, all_trees=_AllTrees.of(trees), fill=_fill_values(transformer)
            )
            _READ[pipeline] = known
        return known

    def ask(self, features: Floats, levels: Sequence[float]) -> ForestAnswer:
        """Ask all trees about a chunk; sums go tree by tree, so each row has the same one alone."""
        if len(features) <= FEW_ROWS and self.fill is not None:
            return self._ask_side_by_side(features, self.fill, levels)
        rows = np.ascontiguousarray(self.transformer.transform(features), dtype=np.float32)
        votes = np.empty((len(rows), len(self.trees)))
        total, contributions = np.zeros(len(rows)), np.zeros(features.shape)
        moved = np.empty(features.shape)
        for place, each in enumerate(self.trees):
            leaf = each.tree.apply(rows)
            vote = each.values[leaf]
            votes[:, place] = vote
            total += vote
            np.take(each.contributions, leaf, axis=0, out=moved, mode="clip")  # checks of bounds cost a copy
            contributions += moved
        return ForestAnswer(
            mean=total / len(self.trees),
            quantiles=_quantiles(votes, levels),
            contributions=contributions / len(self.trees),
        )

    def _ask_side_by_side(self, features: Floats, fill: Floats, levels: Sequence[float]) -> ForestAnswer:
        """Ask about few rows; the running sums add tree by tree, as in `ask`."""
        rows = np.where(np.isnan(features), fill, features).astype(np.float32)
        leaf = self.all_trees.leaves(rows)
        votes = self.all_trees.values[leaf]
        total = np.cumsum(votes, axis=1)[:, -1]
        contributions = np.cumsum(self.all_trees.contributions[leaf], axis=1)[:, -1]
        return ForestAnswer(
            mean=total / len(self.trees),
            quantiles=_quantiles(votes, levels),
            contributions=contributions / len(self.trees),
        )


def _fill_values(transformer: Any) -> Floats | None:  # noqa: ANN401 - see above
    """Return what an imputer puts in place of unknown values; None for a transformer that does more."""
    from sklearn.impute import SimpleImputer

    if not isinstance(transformer, SimpleImputer) or transformer.add_indicator or transformer.strategy == "constant":
        return None
    statistics = np.asarray(transformer.statistics_, dtype=float)
    return statistics if np.isfinite(statistics).all() else None


def _quantiles(votes: Floats, levels: Sequence[float]) -> Floats:
    """Return quantiles of each row, shape (n_levels, n); as numpy's, and much faster over short rows."""
    votes.sort(axis=1)
    places = np.asarray(levels) * (votes.shape[1] - 1)
    below = np.floor(places).astype(int)
    above = np.minimum(below + 1, votes.shape[1] - 1)
    found: Floats = votes[:, below] + (places - below) * (votes[:, above] - votes[:, below])
    return found.T
