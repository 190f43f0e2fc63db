"""Where alerts go: a file below home, always; and whatever Apprise knows, by configuration.

What lives here: handing a text over. What does not: which alerts are told to whom (telling.py). `apprise` is imported
here only, when a channel is configured: it takes half a second.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qs, urlsplit

from flows.appending import append_whole
from flows.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from pydantic import SecretStr

FILE_NAME = "alerts.jsonl"


class Channel(Protocol):
    """Somewhere alerts go."""

    @property
    def name(self) -> str:
        """Name in the ledger; never holds a secret."""
        ...

    def tell(self, alerts: Sequence[dict[str, Any]]) -> bool:
        """Hand alerts over; True when they were taken."""
        ...


@dataclass(frozen=True)
class FileChannel:
    """One JSON line per alert and state, for whatever follows a file.

    Args:
        path: The file, appended to.
    """

    path: Path
    name: str = "file"

    def tell(self, alerts: Sequence[dict[str, Any]]) -> bool:
        """Append, all lines or none."""
        text = "".join(json.dumps(each, sort_keys=True, default=str) + "\n" for each in alerts)
        self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        append_whole(self.path, text.encode())
        return True


@dataclass(frozen=True)
class AppriseChannel:
    """E-mail, a webhook, a pager: one URL of https://github.com/caronc/apprise.

    Args:
        number: Place among the configured URLs, from 1.
        url: The URL; it usually holds a password.

    Raises:
        ConfigurationError: Apprise does not know such a URL.
    """

    number: int
    url: SecretStr

    @property
    def name(self) -> str:
        """Number and kind, for example `2:mailtos`."""
        return f"{self.number}:{urlsplit(self.url.get_secret_value()).scheme}"

    def tell(self, alerts: Sequence[dict[str, Any]]) -> bool:
        """Send one message about all of them, in parts where the service takes no more at once.

        A redirect is a failure: the message would not go along, and what answers in its place would count as taken.
        """
        from apprise import Apprise, AppriseAsset, NotifyFormat, NotifyType, OverflowMode

        sender = Apprise(asset=AppriseAsset(http_redirects=False))
        if not sender.add(self.url.get_secret_value()):
            raise ConfigurationError(
                f"alert_urls, number {self.number}: Apprise knows no such URL ({self.name.partition(':')[2]}).",
                hint="its wiki lists them, for example mailtos://user:password@host?to=ops@example.org or json://host/path",
            )
        if "overflow" not in parse_qs(urlsplit(self.url.get_secret_value()).query.lower()):
            for service in sender:
                service.overflow_mode = OverflowMode.SPLIT
        is_over = all(each["state"] == "RESOLVED" for each in alerts)
        kind = NotifyType.SUCCESS if is_over else NotifyType.FAILURE
        return bool(
            sender.notify(title=_title(alerts), body=_body(alerts), notify_type=kind, body_format=NotifyFormat.TEXT)
        )


def _title(alerts: Sequence[dict[str, Any]]) -> str:
    opened = [each for each in alerts if each["state"] != "RESOLVED"]
    counted = {"new": len(opened), "over": len(alerts) - len(opened)}
    worst = f", worst {opened[0]['severity']}" if opened else ""
    return f"gridweave alerts: {', '.join(f'{count} {word}' for word, count in counted.items() if count)}{worst}"


def _body(alerts: Sequence[dict[str, Any]]) -> str:
    lines = []
    for each in alerts:
        word = "over" if each["state"] == "RESOLVED" else each["severity"]
        lines.append(f"{word}: {each['kind']} {each['subject']}\n  {each['message']}")
        if each["state"] != "RESOLVED" and each["hint"]:
            lines.append(f"  {each['hint']}")
    return "\n".join(lines)
