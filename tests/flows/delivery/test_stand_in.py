"""The stand-in does what a receiver must: it acknowledges, acts once per key, and refuses what is no message."""

from __future__ import annotations

import httpx
import pytest

from flows.delivery.stand_in import StandInSystem


def test_a_message_sent_twice_acts_once() -> None:
    with StandInSystem() as system:
        for _ in range(2):
            answer = httpx.post(
                system.url, json={"Header": {"Noun": "CrewAssignment"}}, headers={"Idempotency-Key": "k"}
            )
            assert answer.status_code == 200

        assert system.effects == {"k": {"Header": {"Noun": "CrewAssignment"}}}
        assert system.request_count == 2


@pytest.mark.parametrize(
    ("content", "headers"),
    [
        pytest.param(b"{}", {}, id="no key"),
        pytest.param(b"", {"Idempotency-Key": "k"}, id="no body"),
        pytest.param(b"{", {"Idempotency-Key": "k"}, id="no JSON"),
    ],
)
def test_what_is_no_message_is_refused(content: bytes, headers: dict[str, str]) -> None:
    with StandInSystem() as system:
        assert httpx.post(system.url, content=content, headers=headers).status_code == 400
        assert system.effects == {}
