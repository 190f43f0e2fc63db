"""Who may ask for what: keys, scopes, hosts, origins; every route, as the document names them (S1, S4, S6, S9, S13)."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import pytest

from flows.clock import utc_now
from ml.serving.keys import SCOPES, KeyStore
from ml.serving.limits import MOST_FAILURES
from tests.ml.serving.conftest import RunningApi
from tests.ml.serving.homes import FAILURE, SCORES, Trained, materialization_id
from tests.ml.serving.openapi_calls import OPEN, Call, calls

pytestmark = pytest.mark.slow

PROBLEM_BYTES = 2_000
TRAVERSALS = (
    *("../../etc/passwd", "..%2f..%2fetc%2fpasswd", "%2e%2e%2f%2e%2e%2fetc%2fpasswd", "/etc/passwd", "%2fetc%2fpasswd"),
    *("..%5c..%5cetc", "%00", "T1%00.csv", "....//....//etc", "file:%2f%2f%2fetc%2fpasswd", "%252e%252e%252fetc"),
)
INJECTIONS = (
    "' or '1'='1",
    "T1'; drop table ml.transformer_failure_scores; --",
    "T1' union select * from lineage.run --",
    "\"; attach '/tmp/x.db'; --",
    "$1",
    "T1' and read_text('/etc/passwd') is not null --",
    "x' ; select * from read_csv('/etc/passwd') --",
    "%' or asset_id like '%",
)


@pytest.fixture(scope="module")
def good_calls(api: RunningApi, trained: Trained) -> list[Call]:
    with api.client("") as client:
        document = client.get("/openapi.json").json()
    values = {
        "asset_id": trained.fleet["asset_id"].iloc[0],
        "series_id": "F00",
        "materialization_id": materialization_id(SCORES[FAILURE], "1"),
    }
    return calls(document, values)


def _keys(api: RunningApi) -> KeyStore:
    return KeyStore(api.settings.serving_dir)


def test_every_route_answers_its_scope_only(api: RunningApi, good_calls: list[Call]) -> None:
    guarded = [call for call in good_calls if call.template not in OPEN]
    keys = _keys(api)
    name = f"scoped {utc_now().isoformat()}"
    secrets = {scope: keys.add(f"{name} {scope}", scopes=(scope,), expires_days=1) for scope in SCOPES}

    statuses: dict[tuple[str, str, str], int] = {}
    for scope, secret in secrets.items():
        with api.client(secret) as client:
            statuses |= {(call.template, call.method, scope): call.send(client).status_code for call in guarded}

    assert len(guarded) >= 6
    assert {call.scope for call in guarded} == set(SCOPES)
    assert statuses == {
        (call.template, call.method, scope): 200 if call.scope == scope else 403 for call in guarded for scope in SCOPES
    }


@pytest.mark.parametrize("shown", ["nothing", "empty", "wrong", "expired", "revoked"])
def test_no_route_answers_without_a_good_key(api: RunningApi, serve: Any, good_calls: list[Call], shown: str) -> None:
    served: RunningApi = serve() if shown == "wrong" else api  # wrong keys count for the lock-out
    secret = _secret(served, shown)
    with served.client("") as client:
        headers = {} if secret is None else {"X-API-Key": secret}
        answers = {call.template: call.send(client, headers) for call in good_calls}

    for template, answer in answers.items():
        expected = 200 if template in OPEN else 401
        assert answer.status_code == expected, template
        if expected == 401:
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.headers["www-authenticate"].startswith("Bearer")


def _secret(served: RunningApi, shown: str) -> str | None:
    """Return what is shown in place of a good key; as few wrong ones as there are routes lock nobody out."""
    long_ago = KeyStore(served.settings.serving_dir, clock=lambda: utc_now() - timedelta(days=9))
    if shown == "expired":
        return long_ago.add("old", scopes=SCOPES, expires_days=1)
    if shown == "revoked":
        secret = _keys(served).add("gone", scopes=SCOPES, expires_days=1)
        _keys(served).revoke("gone")
        return secret
    return {"nothing": None, "empty": "", "wrong": "gw_wrong"}[shown]


def test_unknown_paths_ask_for_a_key_first(api: RunningApi) -> None:
    with api.client("") as without, api.client() as with_key:
        assert without.get("/v1/anything").status_code == 401
        assert without.get("/v1").status_code == 401
        assert with_key.get("/v1/anything").status_code == 404
        assert with_key.delete("/v1/storm-priority").status_code == 405


def test_ten_wrong_keys_lock_the_address_out_and_are_told(serve: Any) -> None:
    served: RunningApi = serve(api_lockout_seconds=2)
    with served.client("gw_guess") as guesser, served.client() as good:
        assert good.get("/v1/storm-priority").status_code == 200
        guesses = [guesser.get("/v1/storm-priority").status_code for _ in range(MOST_FAILURES + 2)]
        locked = good.get("/v1/storm-priority")
        served.wait_until(lambda _: good.get("/v1/storm-priority").status_code == 200)

    assert guesses == [401] * MOST_FAILURES + [429] * 2
    assert locked.status_code == 429
    assert int(locked.headers["retry-after"]) >= 1
    assert "address locked out" in served.events()
    assert "gw_guess" not in served.events()


def test_nobody_is_let_in_on_a_key_file_that_cannot_be_read(serve: Any) -> None:
    served: RunningApi = serve()
    (served.settings.serving_dir / "keys.json").write_text("{", encoding="utf-8")

    with served.client() as client:
        answer = client.get("/v1/storm-priority")

    assert answer.status_code == 503
    assert "keys cannot be read" in served.events()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost@evil.example", ""])
def test_other_host_names_are_not_served(api: RunningApi, host: str) -> None:
    with api.client() as client:
        answers = [client.get(path, headers={"Host": host}) for path in ("/health", "/v1/storm-priority")]

    assert {answer.status_code for answer in answers} <= {400, 421}


def test_pages_of_other_origins_are_refused_and_no_origin_is_allowed(api: RunningApi) -> None:
    with api.client() as client:
        evil = client.get("/v1/storm-priority", headers={"Origin": "https://evil.example"})
        none = client.get("/v1/storm-priority", headers={"Origin": "http://["})
        preflight = client.options(
            "/v1/storm-priority", headers={"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
        )
        good = client.get("/v1/storm-priority")

    assert evil.status_code == none.status_code == preflight.status_code == 403
    assert not any(name.startswith("access-control") for each in (evil, preflight, good) for name in each.headers)


@pytest.mark.parametrize("route", ["transformer-failure", "load-forecast", "lineage"])
@pytest.mark.parametrize("value", [*TRAVERSALS, *INJECTIONS], ids=str)
def test_no_parameter_reaches_files_or_sql(api: RunningApi, route: str, value: str) -> None:
    path = value if value in TRAVERSALS else quote(value, safe="")
    with api.client() as client:
        by_path = client.get(f"/v1/{route}/{path}")
        by_query = client.get("/v1/storm-priority", params={"network_id": value})
        in_body = client.post("/v1/transformer-failure/score", json={"asset_ids": [value]})

    assert by_path.status_code in {401, 404, 422}
    assert by_query.status_code == 404
    assert in_body.status_code == 404
    for answer in (by_path, by_query, in_body):
        assert "root:" not in answer.text
        assert len(answer.content) <= PROBLEM_BYTES


BODIES = {
    "no JSON": b"<script>CANARY</script>",
    "not UTF-8": b'{"rows": [{"asset_id": "\xff"}]}',
    "duplicate key": b'{"rows": [{"age_years": 1, "age_years": 2}]}',
    "NaN": b'{"rows": [{"age_years": NaN}]}',
    "Infinity": b'{"rows": [{"age_years": -Infinity}]}',
    "1e400": b'{"rows": [{"age_years": 1e400}]}',
    "a number too large": b'{"rows": [{"age_years": ' + b"9" * 400 + b"}]}",
    "boolean": b'{"rows": [{"age_years": true}]}',
    "numeric string": b'{"rows": [{"age_years": "31"}]}',
    "list as number": b'{"rows": [{"age_years": [1]}]}',
    "deep": b'{"rows": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "deep objects": b'{"rows": [{"age_years": ' + b'{"a":' * 5_000 + b"1" + b"}" * 5_000 + b"}]}",
    "unknown field": b'{"rows": [{"CANARY": 1}]}',
    "unknown form": b'{"CANARY": []}',
    "two forms": b'{"rows": [{}], "asset_ids": ["T1"]}',
    "no rows": b'{"rows": []}',
    "null": b"null",
    "name too long": b'{"asset_ids": ["' + b"CANARY" * 100 + b'"]}',
    "name with a control character": b'{"asset_ids": ["CANARY\\u0000"]}',
    "lone surrogate": b'{"asset_ids": ["\\ud800CANARY"]}',
    "ragged columns": b'{"columns": {"age_years": [1, 2], "rated_mva": [1]}}',
    "unknown network": b'{"network_id": "CANARY", "rows": [{}]}',
    "many wrong rows": json.dumps({"rows": [{"CANARY": 1}] * 9_000}).encode(),
    "too many rows": json.dumps({"rows": [{}] * 10_001}).encode(),
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_what_is_not_strict_is_refused_without_an_echo(api: RunningApi, body: bytes) -> None:
    with api.client() as client:
        answer = client.post(
            "/v1/transformer-failure/score", content=body, headers={"Content-Type": "application/json"}
        )

    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) <= PROBLEM_BYTES
    assert "CANARY" not in answer.text
    assert "Traceback" not in answer.text
    assert {"type", "title", "status", "detail"} <= answer.json().keys()


def test_what_nobody_foresaw_says_nothing_of_itself(api: RunningApi, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(*_: object) -> None:
        raise RuntimeError("CANARY")

    monkeypatch.setattr("ml.serving.published_routes._ask", fail)
    with api.client() as client:
        answer = client.get("/v1/storm-priority", params={"network_id": "CANARY"})

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) <= PROBLEM_BYTES
    assert not [word for word in ("CANARY", "Traceback", "RuntimeError") if word in answer.text]


def test_other_media_types_are_refused(api: RunningApi) -> None:
    with api.client() as client:
        answer = client.post("/v1/transformer-failure/score", content=b"a=1", headers={"Content-Type": "text/csv"})

    assert answer.status_code == 415
