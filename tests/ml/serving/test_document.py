"""The OpenAPI document: complete, reviewed, and kept by the server under random calls (F11)."""

from __future__ import annotations

import json
import secrets
from collections import Counter
from typing import TYPE_CHECKING, Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, seed, settings
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.core.result import Ok

from ml.serving.fields import FEATURES
from ml.serving.use_cases import USE_CASES
from tests.ml.serving.conftest import RunningApi
from tests.ml.serving.golden import GOLDEN, document
from tests.ml.serving.homes import FAILURE, SCORES, Trained, materialization_id
from tests.ml.serving.openapi_calls import OPEN, calls

if TYPE_CHECKING:
    from collections.abc import Callable

CALLS = 20  # of each route and kind, some 300 in all
MANY_CALLS = 500
SOME_SEED = secrets.randbelow(1 << 32)


def test_the_document_is_the_reviewed_one() -> None:
    assert document() == json.loads(GOLDEN.read_text(encoding="utf-8")), "python -m tests.ml.serving.golden, and review"


def test_every_feature_has_meaning_unit_and_example() -> None:
    assert set(FEATURES) == {name for served in USE_CASES.values() for name in served.features}


def test_every_route_has_a_summary_and_says_how_it_fails() -> None:
    for template, route in document()["paths"].items():
        for operation in route.values():
            assert operation["summary"], template
            failures = {status for status in operation["responses"] if status.startswith("4")}
            assert failures >= ({"401", "403", "429"} if template.startswith("/v1") else {"421"}), template


def test_examples_are_what_their_schema_asks_for() -> None:
    for route in document()["paths"].values():
        for operation in route.values():
            content = operation.get("requestBody", {}).get("content", {})
            for each in content.values():
                for example in each["schema"]["examples"]:
                    Draft202012Validator(each["schema"]).validate(example)


@pytest.mark.slow
def test_good_calls_are_answered_in_the_shape_the_document_promises(api: RunningApi, trained: Trained) -> None:
    with api.client() as client:
        described = client.get("/openapi.json").json()
        values = {
            "asset_id": trained.fleet["asset_id"].iloc[0],
            "series_id": "F00",
            "materialization_id": materialization_id(SCORES[FAILURE], "1"),
        }
        for call in calls(described, values):
            answer = call.send(client)
            assert answer.status_code == 200, call
            promised = described["paths"][call.template][call.method.lower()]["responses"]["200"]["content"]
            schema = promised.get("application/json", {}).get("schema")
            if schema is not None:
                Draft202012Validator({**schema, "components": described["components"]}).validate(answer.json())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("total", "at_once", "first_seed"),
    [
        (200, CALLS, 0),
        pytest.param(50_000, MANY_CALLS, SOME_SEED, id="50,000", marks=pytest.mark.full),
    ],
)
@pytest.mark.timeout(7200)
def test_random_calls_never_meet_a_server_error(
    serve: Callable[..., RunningApi], total: int, at_once: int, first_seed: int
) -> None:
    api = serve(
        api_lockout_seconds=0.001
    )  # made-up keys are among the calls; a server of its own locks out nobody else
    schema = schemathesis.openapi.from_dict(document())
    statuses: Counter[int] = Counter()
    wrong: list[str] = []

    def call_all(number: int) -> None:
        for operation in (result.ok() for result in schema.get_all_operations() if isinstance(result, Ok)):
            # a route without parameters can only be called as described
            modes = GenerationMode if operation.path not in OPEN else (GenerationMode.POSITIVE,)
            for mode in modes:

                @seed(number)
                @settings(max_examples=at_once, database=None, suppress_health_check=list(HealthCheck))
                @given(case=operation.as_strategy(generation_mode=mode))
                def call(case: Any) -> None:
                    answer = case.call(base_url=f"http://127.0.0.1:{api.port}", headers={"X-API-Key": api.key})
                    statuses[answer.status_code] += 1
                    if answer.status_code >= 500:
                        wrong.append(f"{case.method} {case.path} {answer.status_code}")
                    if answer.status_code >= 400 and len(answer.content) > 2_000:
                        wrong.append(f"{case.method} {case.path}: {len(answer.content)} bytes")

                call()

    number = first_seed
    while sum(statuses.values()) < total:  # some routes have fewer different calls than are asked for
        call_all(number)
        number += 1

    print(f"\nF11: {sum(statuses.values()):,} calls from seed {first_seed}: {dict(sorted(statuses.items()))}")
    assert wrong == []
    assert statuses[200] > 0
