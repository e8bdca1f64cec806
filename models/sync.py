"""A sync as its log tells it: what was counted, what went wrong, and the status that follows from both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

DETAILS_KEPT = 200
"""How many problems `sync_logs.error_details` keeps; the true number of each kind stands beside them."""


SYNC_TYPES = ("manual", "scheduled", "webhook")
"""`sync_logs.sync_type`: who or what asked for a sync."""


class Status(StrEnum):
    """`sync_logs.status`, as the seed names them."""

    RUNNING = "running"
    SUCCESS = "success"
    PARTIAL = "partial"
    FAILED = "failed"


class ProblemKind(StrEnum):
    """What an error is about (DESIGN.md, Status). Each of them makes a published sync partial."""

    REJECTED = "rejected record"
    PAGE = "page"
    LISTING = "listing"
    GUARD = "guard"
    CHECK = "check"
    INTERRUPTED = "interrupted"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that went wrong without ending the sync: kind, a sentence, and what it concerns (an id, a page)."""

    kind: ProblemKind
    message: str
    concerns: str | None = None


@dataclass(frozen=True, slots=True)
class Replay:
    """What a replay rebuilds `products` from: the sightings that one published sync left in staging.

    `onward`: and those of the syncs after it, of each product the newest.
    """

    base: UUID
    onward: bool


@dataclass(frozen=True, slots=True)
class SyncRequest:
    """What a sync is asked for, beside its integration."""

    sync_type: str = "manual"
    triggered_by: UUID | None = None
    allow_mass_deactivation: bool = False
    product: str | None = None
    """The source_id of the one product that is wanted; None: all of them."""
    expect: str | None = None
    """The digest of the plan that is to be published, or its beginning; None: whatever it comes to."""
    replay: Replay | None = None
    """What is read from staging in place of the source."""

    @property
    def asked(self) -> dict[str, Any]:
        """What `summary.asked` keeps of it: whatever was given beyond the integration."""
        given: dict[str, Any] = {"product": self.product, "expect": self.expect}
        if self.replay is not None and not self.replay.onward:
            given["sync"] = str(self.replay.base)
        if self.allow_mass_deactivation:
            given["allow_mass_deactivation"] = True
        return {name: value for name, value in given.items() if value is not None}

    @property
    def scope(self) -> str:
        """As the log says it: `full`, `product` or `replay`."""
        if self.replay is not None:
            return "replay"
        return "full" if self.product is None else "product"


@dataclass(frozen=True, slots=True)
class SyncStats:
    """The seed's five counts, at the grain of products; `errors` is the true total."""

    fetched: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    errors: int = 0


@dataclass(frozen=True, slots=True)
class SyncLog:
    """A row of `sync_logs`: the seed's columns, then ours."""

    id: UUID
    integration_id: UUID
    sync_type: str
    status: Status
    started_at: datetime
    completed_at: datetime | None
    duration_ms: int | None
    products_fetched: int
    products_created: int
    products_updated: int
    products_unchanged: int
    errors_count: int
    error_message: str | None
    error_details: dict[str, Any] | None
    summary: dict[str, Any] | None
    triggered_by: UUID | None
    published_at: datetime | None
    listing_complete: bool | None
    scope: str
    release: str | None

    @property
    def stats(self) -> SyncStats:
        return SyncStats(
            fetched=self.products_fetched,
            created=self.products_created,
            updated=self.products_updated,
            unchanged=self.products_unchanged,
            errors=self.errors_count,
        )


@dataclass(frozen=True, slots=True)
class SyncResult:
    """The seed's SyncResult, and `status`: what `guidelight sync --json` prints."""

    success: bool
    sync_log_id: UUID | None
    stats: SyncStats
    status: Status | None = None
    error: str | None = None
    product: dict[str, Any] | None = None
    """Of a sync of one product: why it is as it is (pipelines/explain.py)."""

    def as_json(self) -> dict[str, Any]:
        """The object of INTERFACE.md: ids as text, `error` and `sync_log_id` null where there is none."""
        return {
            "success": self.success,
            "sync_log_id": None if self.sync_log_id is None else str(self.sync_log_id),
            "stats": asdict(self.stats),
            "error": self.error,
            "status": self.status,
            **({} if self.product is None else {"product": self.product}),
        }


def verdict(*, published: bool, errors_count: int, interrupted: bool = False) -> Status:
    """The status of an ended sync (DESIGN.md, Status): a function of three facts and nothing else.

    failed: nothing was published. partial: published, with errors or interrupted before its checks were done.
    success: published, without either.
    """
    if not published:
        return Status.FAILED
    if errors_count > 0 or interrupted:
        return Status.PARTIAL
    return Status.SUCCESS


@dataclass(slots=True)
class Problems:
    """Problems as they come: all of them counted, the first `DETAILS_KEPT` kept."""

    kept: list[Problem] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def add(self, *problems: Problem) -> None:
        """Count each problem, and keep it while there is room."""
        for problem in problems:
            self.counts[problem.kind] += 1
            if len(self.kept) < DETAILS_KEPT:
                self.kept.append(problem)

    def extend(self, problems: Iterable[Problem]) -> None:
        """Add many."""
        self.add(*problems)

    @property
    def total(self) -> int:
        return self.counts.total()

    def as_json(self) -> dict[str, Any] | None:
        """`sync_logs.error_details`: {"counts": {kind: true number}, "problems": [{kind, message, concerns}]}."""
        if not self.counts:
            return None
        return {"counts": dict(self.counts), "problems": [asdict(problem) for problem in self.kept]}


def holds_back(going: int, active: int, percent: float) -> bool:
    """The guard (DESIGN.md, What changed): whether so many of the active products are too many to go at once.

    The publish decides by the same rule, in SQL; here it only saves looking up what would be kept anyway.
    """
    return going > 0 and (going == active or (active >= 10 and going * 100 > active * percent))
