"""Votes, spread and contributions of a forest, against scikit-learn's own answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.impute import SimpleImputer
from sklearn.pipeline import make_pipeline

from ml.forest import ask_forest, top_two

LEVELS = (0.05, 0.95)
ROWS, FEATURES = 700, 6


@pytest.fixture(scope="module")
def features() -> Any:
    generator = np.random.default_rng(5)
    values = generator.normal(size=(ROWS, FEATURES))
    values[generator.random(values.shape) < 0.1] = np.nan
    return values


@pytest.fixture(scope="module", params=["classifier", "regressor"])
def forest(request: pytest.FixtureRequest, features: Any) -> Any:
    target = np.nan_to_num(features[:, 0]) + np.nan_to_num(features[:, 1]) ** 2
    settings: dict[str, Any] = {"n_estimators": 40, "random_state": 3, "min_samples_leaf": 3}
    if request.param == "classifier":
        return make_pipeline(SimpleImputer(), RandomForestClassifier(**settings)).fit(features, target > 1)
    return make_pipeline(SimpleImputer(), RandomForestRegressor(**settings)).fit(features, target)


def _votes(forest: Any, features: Any) -> Any:
    filled = forest[0].transform(features)
    trees = forest[1].estimators_
    if isinstance(forest[1], RandomForestClassifier):
        return np.stack([tree.predict_proba(filled)[:, 1] for tree in trees])
    return np.stack([tree.predict(filled) for tree in trees])


def test_mean_and_quantiles_are_those_of_the_votes(forest: Any, features: Any) -> None:
    said = ask_forest(forest, features, levels=LEVELS, job_count=1)

    votes = _votes(forest, features)
    np.testing.assert_allclose(said.mean, votes.mean(axis=0), rtol=0, atol=1e-12)
    np.testing.assert_allclose(said.quantiles, np.quantile(votes, LEVELS, axis=0), rtol=0, atol=1e-12)


@pytest.mark.parametrize(("chunk_rows", "job_count"), [(1, 1), (7, 2), (350, 2), (10_000, 1)], ids=str)
def test_no_figure_depends_on_chunks_or_threads(forest: Any, features: Any, chunk_rows: int, job_count: int) -> None:
    whole = ask_forest(forest, features, levels=LEVELS, job_count=1)

    cut = ask_forest(forest, features, levels=LEVELS, job_count=job_count, chunk_rows=chunk_rows)

    for name in ("mean", "quantiles", "contributions"):
        np.testing.assert_array_equal(getattr(cut, name), getattr(whole, name))


def test_contributions_and_the_root_add_up_to_the_mean(forest: Any, features: Any) -> None:
    said = ask_forest(forest, features, levels=LEVELS, job_count=1)

    roots = [tree.tree_.value[0, 0] for tree in forest[1].estimators_]
    root = np.mean([value[-1] / (value.sum() if len(value) > 1 else 1) for value in roots])
    assert said.contributions.sum(axis=1) + root == pytest.approx(said.mean)


def test_the_largest_contributions_are_named_and_ties_go_to_the_first() -> None:
    first, second = top_two(np.array([[0.1, 0.3, 0.2], [0.0, 0.0, 0.0]]))

    assert first.tolist() == [1, 0]
    assert second.tolist() == [2, 1]
