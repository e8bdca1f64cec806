"""What one run is to publish, as dbt is told of it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufffe\uffff]")


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
        """The vars as dbt takes them. What people or a source wrote stands in a list or a dict: dbt takes a var that is
        text for a template of its own, and does what that says."""
        fields = {name: getattr(self, name) for name in self.__slots__}
        fields["product"] = [] if self.product is None else [self.product]
        return as_yaml(fields)


def as_yaml(fields: dict[str, Any]) -> str:
    """JSON that dbt's reader of YAML takes for the same: it refuses the escapes of characters beyond the BMP, and some
    of the others unescaped (a shop names its categories and products as it likes)."""
    text = json.dumps(fields, default=str, ensure_ascii=False)
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
