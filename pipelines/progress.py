"""What a run tells those who watch it, as it goes on; how that is shown is the business of console_progress.py."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from uuid import UUID

Arrived = Callable[[int, int], None]
"""Told after each page how many products have come, and how many there are in all as far as the source announces it.
Told once before the first page where staging knows some."""


class Stage(StrEnum):
    """What a run is at, in the words in which it is shown."""

    STARTING = "starting"
    MIGRATING = "being brought up to date"
    READING = "reading"
    READING_AGAIN = "reading a second time"
    LOOKING_UP = "looking up what is no longer listed"
    LANDING = "landing in staging"
    COMPARING = "comparing with products"
    PUBLISHING = "publishing"
    CHECKING = "checking"


@dataclass(frozen=True, slots=True)
class Reading:
    """How far one pass through a listing has come: pages and products, and of how many where the source says so."""

    pages: int
    products: int
    of_pages: int | None = None
    of_products: int | None = None


class Progress(Protocol):
    """Hears of one run. What it is told costs the run nothing that can be measured, and raises nothing."""

    verbose: bool
    """Whether the logs of dbt and dlt are wanted too."""

    def tell(self, sentence: str) -> None:
        """A message for people."""
        ...

    def began(self, sync_log_id: UUID) -> None:
        """The run has its turn, and with it an id."""
        ...

    def entered(self, stage: Stage) -> None:
        """A stage begins; the one before it has ended."""
        ...

    def read(self, reading: Reading) -> None:
        """Another page of the listing has come."""
        ...
