"""Whether a shop can be synced: its settings, address, key and first page, tried and told in plain words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import orjson

from models.integration import SourceSettings
from pipelines import migrate, practice, secrets, store
from pipelines.configure import settings_of
from pipelines.database import connect
from pipelines.errors import ConfigurationError, SourceError, SourceRefused
from pipelines.http import Client, Limits
from pipelines.plain import plain
from pipelines.settings import target
from pipelines.sources import SOURCES
from pipelines.sources.listing import Listing, Page

PATIENCE = 20.0
"""Seconds for which a request is tried again: somebody is waiting, and a shop that answers at all answers sooner."""


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that was tried, and what came of it."""

    step: str
    ok: bool
    message: str


def reach(database: str | None, wanted: str, tell: Callable[[str], None]) -> list[Step]:
    """Try an integration, enabled or not: the steps in their order, up to and with the first that fails.

    Nothing is written, and no token is kept or taken from those that are. Raises ConfigurationError where there is
    no such integration.
    """
    with connect(target(database), read_only=True, waiting=tell) as connection:
        migrate.require_current(connection)
        integration = store.integration(connection, wanted)
        day = store.finished_syncs(connection, integration)
        try:
            settings = settings_of(integration.type, integration.name, integration.config)
            secret = secrets.resolve(connection, integration, settings)
        except ConfigurationError as error:
            return [Step("settings", False, str(error))]
    with practice.served(integration, settings, day) as settings:
        return tried(integration.type, integration.name, settings, secret, tell)


def tried(source: str, name: str, settings: SourceSettings, secret: str, tell: Callable[[str], None]) -> list[Step]:
    """Try settings, registered or not: the steps in their order, up to and with the first that fails."""
    steps = [Step("settings", True, f"The settings of {name} are complete, and its key is at hand")]
    return steps + _asked(source, settings, secret, tell)


class _Noted:
    """Notes that a token was given, and keeps none (sources.token.KeptToken)."""

    def __init__(self) -> None:
        self.given = False

    def load(self) -> tuple[str, float] | None:
        return None

    def keep(self, value: str, life: float) -> None:
        self.given = True

    def forget(self) -> None:
        self.given = False


def _asked(source: str, settings: SourceSettings, secret: str, tell: Callable[[str], None]) -> list[Step]:
    token = _Noted()
    limits = Limits(patience=PATIENCE, retry_budget=PATIENCE)
    with Client(settings.requests_per_second, settings.allow_private_address, limits=limits, on_retry=tell) as client:
        listing = SOURCES[source].open(settings, secret, client, token).listing()
        try:
            page = next(listing.pages(), None)
        except SourceError as error:
            return _failed(error, settings, token)
    return [_answers(settings), _accepted(), Step("first page", True, _first(source, listing, page))]


def _failed(error: SourceError, settings: SourceSettings, token: _Noted) -> list[Step]:
    """The steps up to the one that an error belongs to."""
    is_refused = isinstance(error, SourceRefused)
    if not (is_refused or token.given or _is_there(settings)):
        return [Step("address", False, str(error))]
    if token.given:
        return [_answers(settings), _accepted(), Step("first page", False, str(error))]
    is_about_key = is_refused or settings.uses_token
    return [_answers(settings), Step("key" if is_about_key else "first page", False, str(error))]


def _is_there(settings: SourceSettings) -> bool:
    """Whether anything at all answers at the address, asked once."""
    limits = Limits(patience=PATIENCE, retry_budget=0)
    with Client(allow_private_address=settings.allow_private_address, limits=limits) as client:
        try:
            client.request("GET", settings.base_url)
        except SourceError:
            return False
    return True


def _answers(settings: SourceSettings) -> Step:
    return Step("address", True, f"{settings.base_url} answers")


def _accepted() -> Step:
    return Step("key", True, "The key is accepted")


def _first(source: str, listing: Listing, page: Page | None) -> str:
    if page is None:
        return "The list of products came, and there is none in it: is this the right shop?"
    announced = "" if listing.proof.announced is None else f" of {listing.proof.announced:,} that the shop announces"
    name = _name(source, page.records[0])
    begins = "" if name is None else f"; it begins with “{name}”"
    return f"The first page came, with {len(page.records):,} products{announced}{begins}"


def _name(source: str, raw: bytes) -> str | None:
    try:
        record: Any = orjson.loads(raw)
    except orjson.JSONDecodeError:
        return None
    name = SOURCES[source].name(record) if isinstance(record, dict) else None
    return None if name is None else plain(name[:60])
