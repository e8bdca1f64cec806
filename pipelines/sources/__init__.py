"""The sources: one module each, and what the rest of the project may ask of any of them."""

from __future__ import annotations

from typing import Any, Protocol

from models.integration import TreezSettings
from pipelines.http import Client
from pipelines.sources.listing import Listing
from pipelines.sources.treez import Treez


class Source(Protocol):
    """A point of sale whose products can be listed, one record a product."""

    def read(self, settings: TreezSettings, secret: str, http_client: Client) -> Listing:
        """A reading of the whole listing; no request goes out before its pages are asked for.

        `secret` is the key that `settings.api_key` refers to.
        """
        ...

    def source_id(self, record: dict[str, Any]) -> str | None:
        """The product's id at the source, trimmed; None where it has none that can be used."""
        ...

    def name(self, record: dict[str, Any]) -> str | None:
        """The name that the product is shown by, trimmed; None where it has none that can be used."""
        ...


SOURCES: dict[str, Source] = {"treez": Treez()}
"""Each source by its type, as `integrations.type` names it."""
