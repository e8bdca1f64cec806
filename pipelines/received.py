"""What a sync received, brought together."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from models.record import Record, RejectedRecord


@dataclass(slots=True)
class Received:
    """What a sync received, brought together: one sighting a product, each refused text once.

    `sightings` holds the digest of each product's latest content, in bytes: it is there to the end of the sync.

    `new` holds the content hashes that staging did not have, which are on their way there. Sightings go there as they
    come, with page and time: `unlanded` have not yet, `superseded` have, with a content that the product no longer has.
    """

    sync_log_id: UUID
    integration_id: UUID
    new: set[str] = field(default_factory=set)
    sightings: dict[str, bytes] = field(default_factory=dict)
    rejected: dict[tuple[str, str], tuple[RejectedRecord, datetime]] = field(default_factory=dict)
    duplicates: int = 0
    unlanded: dict[str, tuple[int, datetime]] = field(default_factory=dict)
    superseded: dict[str, tuple[int, datetime]] = field(default_factory=dict)

    def take(self, seen: Record | RejectedRecord, at: datetime, *, again: bool = False) -> bool:
        """Count one record as seen; True when it is a content that has to be landed.

        `again`: it was asked for a second time, so that a second sight is no duplicate of the source's.
        """
        if isinstance(seen, RejectedRecord):
            self.rejected.setdefault((seen.text, seen.reason), (seen, at))
            return False
        before, content = self.sightings.get(seen.source_id), bytes.fromhex(seen.content_hash)
        self.duplicates += not again and before is not None
        if before != content:
            self.sightings[seen.source_id] = content
            is_landed = before is not None and seen.source_id not in self.unlanded
            (self.superseded if is_landed else self.unlanded)[seen.source_id] = (seen.page, at)
        if seen.payload is None or seen.content_hash in self.new:
            return False
        self.new.add(seen.content_hash)
        return True

    @property
    def fetched(self) -> int:
        return len(self.sightings) + len(self.rejected)

    @property
    def sightings_digest(self) -> int:
        """The sum of the contents' first 48 bits: what the publish finds in staging must add up to it."""
        return sum(int.from_bytes(content[:6]) for content in self.sightings.values())
