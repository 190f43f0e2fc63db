"""What goes wrong, as RFC 9457 problem details.

What lives here: the one error that routes raise, and its answer. What does not: which status fits where (the routes
and `guard`). Decision: a problem names places by our own words only (row numbers, field names we know): nothing of the
request is echoed, so no answer carries what somebody else typed.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import orjson
from starlette.responses import Response

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

MEDIA_TYPE = "application/problem+json"
FAULTS_SHOWN = 8
"""Places of a problem that are named; the body stays below 2 kB."""


class Problem(Exception):  # noqa: N818 - the name RFC 9457 gives it
    """A request that is not answered as asked.

    Args:
        status: HTTP status.
        detail: What is wrong and what to do, in a sentence of ours.
        faults: Places in the request, as (place, what is wrong there).
        headers: Further headers.
    """

    def __init__(
        self,
        status: HTTPStatus,
        detail: str,
        *,
        faults: Sequence[tuple[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        self.status = status
        self.detail = detail
        self.faults = tuple(faults)
        self.headers = dict(headers or {})
        super().__init__(detail)

    def response(self) -> Response:
        """Return the answer."""
        content: dict[str, object] = {
            "type": "about:blank",
            "title": self.status.phrase,
            "status": int(self.status),
            "detail": self.detail,
        }
        if self.faults:
            content["errors"] = [{"place": place, "problem": wrong} for place, wrong in self.faults[:FAULTS_SHOWN]]
        return Response(
            orjson.dumps(content), status_code=int(self.status), media_type=MEDIA_TYPE, headers=self.headers
        )


def invalid(detail: str, faults: Sequence[tuple[str, str]] = ()) -> Problem:
    """Return the problem of a request whose content is wrong."""
    return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, faults=faults)


def come_back(detail: str, seconds: float) -> Problem:
    """Return the problem of too many requests, with the time after which one more is welcome."""
    return Problem(HTTPStatus.TOO_MANY_REQUESTS, detail, headers={"Retry-After": str(max(1, round(seconds)))})
