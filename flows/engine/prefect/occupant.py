"""Who answers on the port of the local Prefect server.

What lives here: asking, and the error that names a stranger. What does not: starting and stopping ours (server.py).

Decision: a Prefect server says its PREFECT_HOME itself (`/admin/settings`), which is the home's own folder for a server
of ours. A pid file alone is no proof: it is copied along with a home.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from flows.errors import GridweaveError

ANSWER_LIMIT_SECONDS = 2.0


@dataclass(frozen=True)
class Occupant:
    """A program that answers.

    Args:
        prefect_home: PREFECT_HOME of a Prefect server; None when it does not say, or is none.
    """

    prefect_home: Path | None


class PortTakenError(GridweaveError):
    """A program that is not this home's Prefect server answers on its port.

    Args:
        port: The port.
        folder: PREFECT_HOME of the server that was expected.
        occupant: Who answers.
    """

    def __init__(self, *, port: int, folder: Path, occupant: Occupant) -> None:
        self.port = port
        self.folder = folder
        self.occupant = occupant
        found = "a program that does not say it is a Prefect server"
        mending = ["set GRIDWEAVE_PREFECT_PORT to a free port for this home"]
        if occupant.prefect_home is not None:
            found = f"the Prefect server of {occupant.prefect_home}"
            mending.append("GRIDWEAVE_PREFECT_SHARED=true uses that server on purpose")
        super().__init__(
            f"Port {port} should be answered by the Prefect server of {folder}; found {found}.",
            hint=", or: ".join(mending),
        )


def find_occupant(url: str) -> Occupant | None:
    """Ask whoever listens there.

    Args:
        url: Address of a Prefect server's API.

    Returns:
        None when nobody answers within 2 s.
    """
    try:
        with urlopen(f"{url}/admin/settings", timeout=ANSWER_LIMIT_SECONDS) as answer:  # noqa: S310 - loopback http
            facts = json.loads(answer.read())
    except HTTPError as error:
        error.close()
        return Occupant(None)
    except OSError:
        return None
    except (HTTPException, ValueError):
        return Occupant(None)
    home = facts.get("home") if isinstance(facts, dict) else None
    return Occupant(Path(home) if isinstance(home, str) else None)
