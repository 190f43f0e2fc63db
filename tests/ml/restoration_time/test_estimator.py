"""The regressor keeps scikit-learn's conventions, and finds the quantiles of a known law."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

from ml.restoration_time.estimator import RestorationQuantiles


def test_it_is_cloned_with_its_settings_and_without_what_it_learnt() -> None:
    fitted = RestorationQuantiles(iterations=5, leaf_count=4).fit(np.zeros((200, 1)), np.ones(200))

    again = clone(fitted)

    assert again.get_params()["leaf_count"] == 4
    with pytest.raises(NotFittedError):
        again.predict(np.zeros((1, 1)))


def test_quantiles_are_those_of_the_law() -> None:
    hours = np.exp(np.random.default_rng(3).normal(np.log(3.0), 1.0, 20_000))
    nothing = np.zeros((1, 1))

    model = RestorationQuantiles(iterations=60, leaf_count=4).fit(np.zeros((20_000, 1)), hours)

    assert np.exp(model.predict_log_quantiles(nothing)[0]) == pytest.approx((0.83, 3.0, 10.8), rel=0.05)
    assert model.predict(nothing) == pytest.approx(3.0, rel=0.05)
