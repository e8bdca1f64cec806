"""A check of what was published: what it expects, how grave it is, what it found, what to do about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

IDS_KEPT = 20
"""How many source_ids of failing rows are named; the true number stands beside them."""


class Severity(StrEnum):
    """critical and error make a sync partial; a warning stands in its summary (DESIGN.md, Checks)."""

    CRITICAL = "critical"
    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Metrics:
    """What the next sync compares itself with: the source's active products, and how many of them lack what."""

    active: int
    without_price: int
    without_lab_results: int
    without_image: int

    def share(self, count: int) -> float:
        """A count as percent of the active products; 0 where there are none."""
        return 100 * count / self.active if self.active else 0.0


@dataclass(frozen=True, slots=True)
class Expectation:
    """One expectation of Great Expectations: its class, its arguments, and over which rows it is judged."""

    name: str
    severity: Severity
    kind: str
    message: str
    advice: str
    arguments: dict[str, Any] = field(default_factory=dict)
    active_only: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What a check found: passed, or how many rows fail it and the first of them; `broken` when it could not judge."""

    name: str
    severity: Severity
    passed: bool
    message: str
    advice: str
    rows: int = 0
    source_ids: tuple[str, ...] = ()
    broken: bool = False

    @property
    def is_grave(self) -> bool:
        """Whether it makes the sync partial. A check that could not judge always does: silence would be a pass."""
        return not self.passed and (self.broken or self.severity is not Severity.WARNING)

    def sentence(self) -> str:
        """What was found, which rows, and what to do."""
        named = ", ".join(self.source_ids)
        if named and self.rows > len(self.source_ids):
            named += f" and {self.rows - len(self.source_ids):,} more"
        return f"{self.message}{f' ({named})' if named else ''}. {self.advice}"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
