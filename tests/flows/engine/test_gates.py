"""Which assets get a gate."""

from __future__ import annotations

import pytest

from flows.assets.definition import AssetDefinition
from flows.engine.gates import with_gates
from flows.errors import ConfigurationError


def test_scores_without_a_suite_are_refused() -> None:
    ungated = AssetDefinition(key="ml/no_such_scores", engine="python", kind="scores", source_path="flows/x.py")

    with pytest.raises(ConfigurationError, match=r"ml/no_such_scores \(flows/x.py\) has no suite"):
        with_gates([ungated])
