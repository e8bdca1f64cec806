"""What is said of one sync that was measured."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Counts:
    """What a sync says that it did."""

    fetched: int
    created: int
    updated: int
    unchanged: int


@dataclass(frozen=True, slots=True)
class Measured:
    """One sync: seconds from its start until products is right and until its process has ended; peak in bytes.

    `counts` are None of a contender that gives none. `written` and `landed` are what the database says afterwards:
    rows of products that this sync wrote, and payloads that came into staging (None: it has no such staging).
    """

    published: float
    finished: float
    peak: int
    counts: Counts | None
    written: int = 0
    landed: int | None = None


class NotMeasured(Exception):
    """A contender ended badly, or did not do the work: it has no figures."""
