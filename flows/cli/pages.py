"""The command `ui`: where the pages of this home are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.output import JsonOption, print_json, print_table
from flows.errors import GridweaveError

if TYPE_CHECKING:
    from pathlib import Path

    from flows.settings import Settings


@dataclass(frozen=True, kw_only=True)
class Page:
    """A page a person may look at.

    Attributes:
        name: What it is.
        address: Where it is, or would be.
        is_there: Whether it answers, or was made.
        hint: How it comes to be there; empty when it is.
    """

    name: str
    address: str
    is_there: bool
    hint: str


def register(app: typer.Typer) -> None:
    """Add this module's command."""
    app.command()(ui)


def ui(
    *,
    open_pages: Annotated[bool, typer.Option("--open", help="Open those that are there in a browser.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Say where the pages of this home are: Prefect's, data quality, Data Docs, the API's document. Starts nothing."""
    from flows.settings import get_settings

    found = pages(get_settings())
    if as_json:
        print_json([asdict(each) for each in found])
    else:
        rows = [(each.name, each.address if each.is_there else f"not there: {each.hint}") for each in found]
        print_table(("page", "where"), rows)
    for each in found if open_pages else ():
        if each.is_there:
            typer.launch(each.address)


def pages(settings: Settings) -> list[Page]:
    """Return all pages of a home."""
    docs = settings.quality_dir / "data_docs" / "index.html"
    return [
        _prefect(settings),
        _file("data quality", settings.quality_dir / "index.html"),
        _file("Great Expectations Data Docs", docs),
        _api(settings),
    ]


def _prefect(settings: Settings) -> Page:
    """Find the server of this home; whoever else answers on its port is named."""
    from flows.engine.prefect.server import local_server

    server = local_server(settings)
    hint = "gridweave up starts it"
    try:
        is_there = server.is_healthy()
    except GridweaveError as error:
        is_there, hint = False, error.message
    return Page(
        name="Prefect: runs, schedules, automations",
        address=server.url.removesuffix("/api"),
        is_there=is_there,
        hint="" if is_there else hint,
    )


def _file(name: str, path: Path) -> Page:
    is_there = path.is_file()
    return Page(
        name=name,
        address=path.resolve().as_uri(),
        is_there=is_there,
        hint="" if is_there else "gridweave quality makes it",
    )


def _api(settings: Settings) -> Page:
    """Find the scoring API by what it says of itself."""
    from flows.clock import utc_now
    from flows.services.standing import standings

    said = {each.service: each.condition for each in standings(settings.services_dir, now=utc_now())}
    is_there = said.get(f"api-{settings.api_port}") == "running"
    scheme = "https" if settings.api_tls_certificate_path else "http"
    return Page(
        name="scoring API: every route and field",
        address=f"{scheme}://{settings.api_host}:{settings.api_port}/openapi.json",
        is_there=is_there,
        hint="" if is_there else "gridweave api starts it",
    )
