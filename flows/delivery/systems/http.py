"""Messages by HTTP POST. The only importer of httpx.

What lives here: one request per message with its idempotency key, and what each answer means. What does not: when to
try again (../pauses.py, ../relay.py).

Decisions. The key of a message is the same at each try (draft-ietf-httpapi-idempotency-key-header), so a reply that was
lost costs a request and no second effect. Redirects are not followed: the token would go to whoever they name. What a
wrong token or address meets (401, 403, 404, 405, 407) is dead like any refusal, but also a failure of the target: the
circuit opens and keeps the rest of the queue from the same fate.
"""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import httpx

from flows.delivery.systems import ACKNOWLEDGED, OutgoingMessage, Receipt

if TYPE_CHECKING:
    import ssl
    from collections.abc import Sequence

    from pydantic import SecretStr

    from flows.clock import Clock
    from flows.delivery.targets import HttpTarget

LATER_STATUSES = frozenset({408, 409, 425, 429})
"""Client errors that pass by themselves (RFC 9110, RFC 8470, RFC 6585); 409: the same key is being worked on."""
BUSY_STATUSES = frozenset({408, 429})
NOT_THE_MESSAGE_STATUSES = frozenset({401, 403, 404, 405, 407})
REASON_BYTES = 300
"""So much of the system's own words is kept."""
LONGEST_REST_OF_TOKEN = 3
"""A beginning of the token as short as this may stay at the end of words that were cut."""
WAITS = 4
"""Connecting, sending, the answer's head and its words may each take the target's `timeout_seconds`."""
LONGEST_RETRY_AFTER_SECONDS = 86_400.0
"""A system that asks for more than a day is asked again after a day."""


class HttpSystem:
    """A system that takes messages by POST.

    Args:
        described: Its description.
        token: Bearer token; None: none is sent.
        clock: For dates in `Retry-After`.
    """

    def __init__(self, described: HttpTarget, *, token: SecretStr | None, clock: Clock) -> None:
        self._url = described.url
        self._secret = token.get_secret_value() if token else ""
        self._clock = clock
        self._timeout_seconds = described.timeout_seconds
        self.chunk_size = described.parallel
        self._pool = ThreadPoolExecutor(described.parallel, thread_name_prefix="outbox-http")
        self._client = httpx.Client(
            timeout=described.timeout_seconds,
            follow_redirects=False,
            verify=_trusted(),
            trust_env=False,  # a proxy or .netrc of the environment is not for messages that act
            limits=httpx.Limits(max_connections=described.parallel, max_keepalive_connections=described.parallel),
            headers={"Content-Type": "application/json", "User-Agent": "gridweave"}
            | ({"Authorization": f"Bearer {self._secret}"} if token else {}),
        )

    def send(self, messages: Sequence[OutgoingMessage]) -> list[Receipt]:
        """Post messages side by side; a system that keeps a connection busy and never answers is given up."""
        limit_seconds = WAITS * self._timeout_seconds
        posted = [self._pool.submit(self._post, message) for message in messages]
        wait(posted, timeout=limit_seconds)
        given_up = Receipt(outcome="RETRY", is_target_down=True, reason=f"no whole answer within {limit_seconds:g} s")
        return [given_up if each.cancel() or not each.done() else each.result() for each in posted]

    def close(self) -> None:
        """Close connections, which also ends what was given up."""
        self._client.close()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _post(self, message: OutgoingMessage) -> Receipt:
        """Post one message."""
        headers = {
            "Idempotency-Key": message.idempotency_key,
            "X-Message-Type": message.message_type,
            "X-Revision": str(message.revision),
        }
        try:
            with self._client.stream("POST", self._url, content=message.body.encode(), headers=headers) as answer:
                return self._receipt(answer)
        except (httpx.HTTPError, httpx.StreamError) as error:
            reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            return Receipt(outcome="RETRY", is_target_down=True, reason=self._told(reason))

    def _receipt(self, answer: httpx.Response) -> Receipt:
        """Say what an answer means."""
        status, words = answer.status_code, self._words(answer)
        if answer.is_success:
            return ACKNOWLEDGED
        reason = self._told(f"HTTP {status} {words or answer.reason_phrase}".strip())
        if answer.is_client_error and status not in LATER_STATUSES:
            is_down = status in NOT_THE_MESSAGE_STATUSES
            return Receipt(outcome="REJECTED", is_target_down=is_down, status_code=status, reason=reason)
        return Receipt(
            outcome="RETRY",
            is_target_down=status in BUSY_STATUSES or not answer.is_client_error,
            status_code=status,
            reason=reason,
            retry_after_seconds=retry_after_seconds(answer.headers.get("Retry-After"), now=self._clock()),
        )

    def _words(self, answer: httpx.Response) -> str:
        """Read the beginning of what a system says, however much it says and however slowly.

        What it says after an acknowledgement is read too: a connection whose answer was read whole is used again.
        """
        words, ends_at = b"", time.monotonic() + self._timeout_seconds
        for part in answer.iter_raw():
            words += part
            if len(words) >= REASON_BYTES + len(self._secret) or time.monotonic() > ends_at:
                break
        told = self._told(words[: REASON_BYTES + len(self._secret)].decode("utf-8", "replace"))
        return " ".join(told[:REASON_BYTES].split())

    def _told(self, reason: str) -> str:
        """Take the token out of what is kept: some systems repeat it, and words that are cut may end within it."""
        if not self._secret:
            return reason
        told = reason.replace(self._secret, "***")
        for length in range(min(len(self._secret) - 1, len(told)), LONGEST_REST_OF_TOKEN, -1):
            if told.endswith(self._secret[:length]):
                return told[:-length] + "***"
        return told


def retry_after_seconds(header: str | None, *, now: datetime) -> float | None:
    """Read `Retry-After`: seconds, or a date; None when there is none that can be read.

    >>> retry_after_seconds("120", now=datetime(2026, 1, 1, tzinfo=UTC))
    120.0
    >>> retry_after_seconds("Thu, 01 Jan 2026 00:01:00 GMT", now=datetime(2026, 1, 1, tzinfo=UTC))
    60.0
    >>> retry_after_seconds("Thu, 01 Jan 99999999999 00:00:00 GMT", now=datetime(2026, 1, 1, tzinfo=UTC))
    """
    if header is None:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), LONGEST_RETRY_AFTER_SECONDS)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):  # a year beyond what dates hold
        return None
    seconds = (moment.replace(tzinfo=moment.tzinfo or UTC) - now).total_seconds()
    return min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


def _trusted() -> ssl.SSLContext:
    """Return who is trusted: public authorities, and those the system has, where a utility's own is installed."""
    context = httpx.create_ssl_context(trust_env=False)
    context.load_default_certs()  # also SSL_CERT_FILE and SSL_CERT_DIR
    return context
