"""What the page says, as values: of a database its integrations, of each how it fares, its syncs and their changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from models.sync import SyncLog
from pipelines.database import Row


@dataclass(frozen=True, slots=True)
class Standing:
    """The products of a source now; but for `active` all of them active ones.

    `unconfirmed`: those that the last complete listing did not confirm; None where there was none.
    """

    active: int
    in_stock: int
    on_sale: int
    without_price: int
    unconfirmed: int | None


@dataclass(frozen=True, slots=True)
class Change:
    """What one sync did to one product. `fields`: {column: {old, new}}, without source_data."""

    source_id: str
    name: str | None
    change: str
    cause: str
    fields: dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Changes:
    """The changes of the newest sync that made any: the first of them, prices first, and how many there are."""

    sync: Row
    shown: Sequence[Change]
    total: int


@dataclass(frozen=True, slots=True)
class Moves:
    """Prices that changed, newest first: {source_id, name, price (the column), was, becomes, cause, changed_at,
    sync_log_id}, and how many did in the `syncs` that were looked at."""

    shown: Sequence[Row]
    total: int
    syncs: int


@dataclass(frozen=True, slots=True)
class Last:
    """The newest sync that has ended. `rejected`: its first rejected records, of `rejected_total`."""

    log: SyncLog
    rejected: Sequence[Row]
    rejected_total: int


@dataclass(frozen=True, slots=True)
class Shop:
    """One integration. `health`: its row of marts.sync_health. `syncs`: the newest first, running ones too."""

    health: Row
    interval_minutes: int | None
    """How often it is due; None where it is synced by hand."""
    standing: Standing
    syncs: Sequence[Row]
    syncs_total: int
    last: Last | None
    changes: Changes | None
    moves: Moves


@dataclass(frozen=True, slots=True)
class Report:
    """The whole page. `shops`: the active integrations; `disabled`: the rows of the others in marts.sync_health."""

    database: str
    release: str
    written_at: datetime
    shops: Sequence[Shop]
    disabled: Sequence[Row]
