"""What is measured: the shops, and the three moments at which each is synced."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Moment(StrEnum):
    """Syncs of one database, in this order."""

    FIRST = "first"
    NOTHING = "nothing changed"
    CHANGED = "1% changed"


@dataclass(frozen=True, slots=True)
class Case:
    """A shop as its API shows it: how many products, how far away, how many requests a second (None: any), and the
    largest page."""

    name: str
    title: str
    products: int
    latency_ms: int
    rate: int | None
    page_cap: int

    @property
    def api_seconds(self) -> float | None:
        """What the rate limit alone takes for all pages; None where there is none."""
        return None if self.rate is None else -(-self.products // self.page_cap) / self.rate


LIMIT = Case("a", "a shop at the API's limit", products=5000, latency_ms=300, rate=10, page_cap=50)

CASES = (LIMIT,)
"""What `make bench` measures."""

QUICK = (Case("quick", "a small shop at the API's limit", products=500, latency_ms=300, rate=10, page_cap=50),)
"""To try it in a minute or two; no measure of anything: start-up outweighs the rest."""
