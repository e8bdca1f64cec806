"""What goes to dlt's process at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one of a source's staging tables, column by column, in the table's order."""

    table: str
    columns: list[list[Any]]


@dataclass(frozen=True, slots=True)
class Batch:
    """Rows that one sync lands, and the directory that its batches share; `is_last`: nothing follows.

    `superseded`: products whose sightings of earlier batches give way to those of this one, the last.
    """

    source: str
    sync_log_id: UUID
    directory: str
    rows: list[Rows]
    is_last: bool
    superseded: frozenset[str] = frozenset()
