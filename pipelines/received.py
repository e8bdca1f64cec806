"""What a sync received, brought together, and what of it staging has already."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from models.record import Record, RejectedRecord
from pipelines.database import Connection


@dataclass(slots=True)
class Received:
    """What a sync received, brought together: one sighting a product (of its latest content), each refused text once.

    `known` holds the content hashes that are landed already; it grows as new ones are on their way there. Sightings go
    there as they come: `unlanded` have not yet, `superseded` have, with a content that the product no longer has.
    """

    sync_log_id: UUID
    integration_id: UUID
    known: set[str] = field(default_factory=set)
    sightings: dict[str, tuple[str, int, datetime]] = field(default_factory=dict)
    rejected: dict[tuple[str, str], tuple[RejectedRecord, datetime]] = field(default_factory=dict)
    duplicates: int = 0
    unlanded: dict[str, None] = field(default_factory=dict)
    superseded: dict[str, None] = field(default_factory=dict)

    def take(self, seen: Record | RejectedRecord, at: datetime, *, again: bool = False) -> bool:
        """Count one record as seen; True when it is a content that has to be landed.

        `again`: it was asked for a second time, so that a second sight is no duplicate of the source's.
        """
        if isinstance(seen, RejectedRecord):
            self.rejected.setdefault((seen.text, seen.reason), (seen, at))
            return False
        before = self.sightings.get(seen.source_id)
        self.duplicates += not again and before is not None
        if before is None or before[0] != seen.content_hash:
            self.sightings[seen.source_id] = (seen.content_hash, seen.page, at)
            is_landed = before is not None and seen.source_id not in self.unlanded
            (self.superseded if is_landed else self.unlanded)[seen.source_id] = None
        if seen.payload is None or seen.content_hash in self.known:
            return False
        self.known.add(seen.content_hash)
        return True

    @property
    def fetched(self) -> int:
        return len(self.sightings) + len(self.rejected)

    @property
    def sightings_digest(self) -> int:
        """The sum of the contents' first 48 bits: what the publish finds in staging must add up to it."""
        return sum(int(content_hash[:12], 16) for content_hash, _, _ in self.sightings.values())


def landed(connection: Connection, source: str) -> dict[str, tuple[str, str]]:
    """Every content in staging: {raw_hash: (content_hash, source_id)}. To be read under the turn."""
    rows = connection.tuples(f"select raw_hash, content_hash, source_id from staging_{source}.payloads")
    return {raw_hash: (content_hash, source_id) for raw_hash, content_hash, source_id in rows}
