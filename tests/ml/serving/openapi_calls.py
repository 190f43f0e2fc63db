"""Calls of every route, made from the API's own document."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx

OPEN = ("/health", "/ready", "/metrics")
METHODS = ("get", "post", "put", "patch", "delete")


@dataclass(frozen=True)
class Call:
    """One good call.

    Args:
        method: Upper case.
        path: With its parameters filled in.
        template: As in the document.
        scope: Scope its key needs; empty for routes without a key.
        body: JSON; None without.
    """

    method: str
    path: str
    template: str
    scope: str
    body: Any = None

    def send(self, client: httpx.Client, headers: dict[str, str] | None = None) -> httpx.Response:
        return client.request(self.method, self.path, json=self.body, headers=headers)


def calls(document: dict[str, Any], values: dict[str, str]) -> list[Call]:
    """Return a good call of each route.

    Args:
        document: The OpenAPI document.
        values: What to put in place of path parameters.
    """
    made = []
    for template, route in document["paths"].items():
        for method in (each for each in METHODS if each in route):
            operation = route[method]
            content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            made.append(
                Call(
                    method=method.upper(),
                    path=template.format(**values),
                    template=template,
                    scope=operation["security"][0]["bearer"][0] if "security" in operation else "",
                    body=content["schema"]["examples"][0] if content else None,
                )
            )
    return made
