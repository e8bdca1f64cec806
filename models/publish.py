"""What one run is to publish, as dbt is told of it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Publish:
    """What the publish of one run is told; the vars of dbt_project.yml."""

    source: str
    sync_log_id: UUID
    integration_id: UUID
    mapping_version: str
    category_map: dict[str, str]
    listing_complete: bool
    allow_mass_deactivation: bool
    max_deactivation_percent: float
    sightings: int
    sightings_digest: int
    rejected: int
    errors: int
    conflict_strategy: str = "api_wins"
    product: str | None = None
    """The one product that was asked for; None: all of them."""
    scope: str = "full"
    digests: bool = False
    """Whether the change set carries what its digest is made of."""
    expect: str | None = None
    """The digest, or its beginning, that the change set must have; None: any."""

    def as_vars(self) -> str:
        """The vars as dbt takes them."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        # In its own characters: dbt's reader refuses the escapes of those beyond the BMP.
        return json.dumps(fields, default=str, ensure_ascii=False)
