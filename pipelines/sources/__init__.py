"""The sources: one module each, and what the rest of the project may ask of any of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Protocol, TypeVar

from models.integration import SourceSettings
from pipelines.http import Client
from pipelines.sources.listing import Listing, Page
from pipelines.sources.token import KeptToken
from pipelines.sources.treez import Treez

Settings = TypeVar("Settings", bound=SourceSettings, contravariant=True)


class Reader(Protocol):
    """One shop at a source, as a sync reads it."""

    def listing(self) -> Listing:
        """A pass through all of its products; no request goes out before the pages are asked for."""
        ...

    def look_up(self, source_ids: Sequence[str]) -> Iterator[Page]:
        """The records of those ids that the source still has, as pages numbered 0. Raises SourceError."""
        ...


class Source(Protocol[Settings]):
    """A point of sale whose products can be listed, one record a product."""

    largest_answer: int
    """Bytes of the largest body that it may answer with, decompressed."""

    telling: tuple[str, ...]
    """The members of a record that explain a product's price, stock and category to a person, as received."""

    merged_from: str
    """The member of a record that lists the source_ids of products which were merged into it."""

    def open(self, settings: Settings, secret: str, client: Client, kept: KeptToken | None = None) -> Reader:
        """A reader of the shop. `secret` is the key that `settings.api_key` refers to; `kept` outlives the sync."""
        ...

    def source_id(self, record: dict[str, Any]) -> str | None:
        """The product's id at the source, trimmed; None where it has none that can be used."""
        ...

    def name(self, record: dict[str, Any]) -> str | None:
        """The name that the product is shown by, trimmed; None where it has none that can be used."""
        ...


SOURCES: dict[str, Source[Any]] = {"treez": Treez()}
"""Each source by its type, as `integrations.type` names it."""
