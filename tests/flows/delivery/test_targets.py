from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from flows.delivery.message_types import MESSAGE_TYPES
from flows.delivery.targets import (
    FileTarget,
    HttpTarget,
    Limits,
    Retry,
    SecretReference,
    SqlTarget,
    Target,
    load_targets,
    usable_targets,
)
from flows.errors import ConfigurationError
from tests.conftest import CHECKOUT

GOOD = """
name: eam
description: Orders.
owner: operations
messages: [work_request]
system: {kind: http, url: "https://eam.example/orders", token: {env: EAM_TOKEN}}
"""


def written(folder: Path, text: str = GOOD) -> Path:
    (folder / "eam.yml").write_text(text, encoding="utf-8")
    return folder


def test_the_targets_of_the_checkout_take_every_kind_of_message_once() -> None:
    targets = load_targets(CHECKOUT / "data" / "targets")

    assert sorted(kind for each in targets.values() for kind in each.messages) == sorted(MESSAGE_TYPES)
    assert {each.system.kind for each in targets.values()} == {"file"}


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        pytest.param("name: eam", "name: other", "expected 'eam'", id="another name"),
        pytest.param("[work_request]", "[work_order]", "expected some of work_request, crew_assignment", id="kind"),
        pytest.param("[work_request]", "[work_request, work_request]", "named twice", id="twice"),
        pytest.param(
            "owner:", "approval: {voltage_schedule: low_confidence}\nowner:", "a person always decides", id="approval"
        ),
        pytest.param("https://eam", "http://eam", "expected https beyond this machine", id="plain http"),
        pytest.param("https://eam", "https://u:p@eam", "a password never stands", id="password in the address"),
        pytest.param("https://eam.example/orders", "eam", "expected http(s)://HOST/PATH", id="no address"),
        pytest.param("{env: EAM_TOKEN}", "canary-secret", "key system.http.token", id="secret in the description"),
        pytest.param("{env: EAM_TOKEN}", "{env: A, file: b}", "give either env or file", id="two places"),
        pytest.param("{env: EAM_TOKEN}", "{file: token}", "expected an absolute path", id="relative place"),
        pytest.param("kind: http", "kind: ftp", "'file', 'http', 'sql'", id="another kind"),
        pytest.param("owner: operations", "owner: operations\nretries: 3", "retries", id="unknown key"),
        pytest.param("name: eam", "name: [eam", "is not YAML", id="no YAML"),
        pytest.param(
            'http, url: "https://eam.example/orders", token: {env: EAM_TOKEN}',
            "sql, database: d, user: u, table: 'orders; drop table x'",
            "key system.sql.table",
            id="a table that is a statement",
        ),
        pytest.param(
            'http, url: "https://eam.example/orders", token: {env: EAM_TOKEN}',
            "sql, host: db.example, sslmode: prefer, database: d, user: u, table: t",
            "expected verify-full beyond this machine",
            id="open line",
        ),
    ],
)
def test_a_wrong_description_is_refused_with_the_file_the_key_and_what_was_expected(
    before: str, after: str, said: str, tmp_path: Path
) -> None:
    assert before in GOOD

    with pytest.raises(ConfigurationError) as raised:
        load_targets(written(tmp_path, GOOD.replace(before, after)))

    assert "eam.yml" in raised.value.message
    assert said in raised.value.message
    assert "canary-secret" not in str(raised.value)
    assert "canary-secret" not in str(raised.value.__cause__)


@pytest.mark.parametrize("place", ["env", "file"])
def test_a_secret_comes_from_the_environment_or_a_file_and_is_never_shown(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "token"
    reference = "{env: EAM_TOKEN}" if place == "env" else f"{{file: {secret}}}"
    target = load_targets(written(tmp_path, GOOD.replace("{env: EAM_TOKEN}", reference)))["eam"]
    described: Any = target.system

    with pytest.raises(ConfigurationError, match="expected in"):
        described.token.read("eam")
    monkeypatch.setenv("EAM_TOKEN", "canary-secret")
    secret.write_text("canary-secret\n", encoding="utf-8")
    found = described.token.read("eam")

    assert found.get_secret_value() == "canary-secret"
    assert "canary-secret" not in f"{found!r} {target!r} {target.model_dump_json()}"


@pytest.mark.parametrize("secret", ["canary\nsecret", "canary-s\u00e9cret"], ids=["line break", "not ASCII"])
def test_a_secret_that_no_header_can_hold_is_refused_and_not_shown(
    secret: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    described: Any = load_targets(written(tmp_path))["eam"].system
    monkeypatch.setenv("EAM_TOKEN", secret)

    with pytest.raises(ConfigurationError, match="variable EAM_TOKEN is not one line of printable ASCII") as raised:
        described.token.read("eam")

    assert "canary" not in str(raised.value)


def test_what_cannot_be_read_is_wrong_and_the_files_of_an_editor_are_nothing(tmp_path: Path) -> None:
    written(tmp_path)
    (tmp_path / "gone.yml").symlink_to(tmp_path / "nowhere")
    (tmp_path / "folder.yml").mkdir()
    (tmp_path / ".#eam.yml").symlink_to("maria@host.1234")

    usable, wrong = usable_targets(tmp_path)

    assert (set(usable), set(wrong)) == ({"eam"}, {"gone", "folder"})
    assert "gone.yml cannot be read: No such file" in wrong["gone"].message


@pytest.mark.parametrize("part", [Target, FileTarget, HttpTarget, SqlTarget, SecretReference, Retry, Limits])
def test_every_key_of_a_description_is_in_the_readme(part: type[BaseModel]) -> None:
    readme = (CHECKOUT / "flows" / "delivery" / "README.md").read_text(encoding="utf-8")

    assert [name for name in part.model_fields if f"{name}:" not in readme] == []
