"""What is measured: the shops, and the three moments at which each is synced."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Moment(StrEnum):
    """Syncs of one database, in this order."""

    FIRST = "first"
    NOTHING = "nothing changed"
    CHANGED = "1% changed"


CHANGED_ONE_IN = 100
"""Of so many products of the listing one changes: its price and its stock."""

SALE_PRICE = 1.5
"""What a changed product costs; no other does."""

_ANSWERS_IN_TURN = 3
"""Token, first page, the other pages at once: no client can wait for less."""


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
    def pages(self) -> int:
        return -(-self.products // self.page_cap)

    @property
    def changed(self) -> int:
        """Products that differ at the last moment."""
        return -(-self.products // CHANGED_ONE_IN)

    @property
    def wait_seconds(self) -> float:
        """What the API alone takes: its limit for all pages, or three answers in turn, whichever is longer."""
        limit = 0.0 if self.rate is None else self.pages / self.rate
        return max(limit, _ANSWERS_IN_TURN * self.latency_ms / 1000)

    @property
    def api_seconds(self) -> float | None:
        """What the rate limit takes for all pages where that is what a sync waits for; else None."""
        return self.wait_seconds if self.rate is not None and self.pages / self.rate >= self.wait_seconds else None


LIMIT = Case("a", "a shop at the API's limit", products=5_000, latency_ms=300, rate=10, page_cap=50)
USUAL = Case("b", "a usual shop", products=5_000, latency_ms=300, rate=10, page_cap=1_000)
BULK = Case("c", "bulk", products=100_000, latency_ms=0, rate=None, page_cap=1_000)

CASES = {case.name: case for case in (LIMIT, USUAL, BULK)}
"""What `make bench` measures."""

GROWTH = {
    name: Case(name, "growth", products, latency_ms=0, rate=None, page_cap=1_000)
    for name, products in (("10k", 10_000), ("100k", 100_000), ("1m", 1_000_000))
}
"""What `make bench-growth` measures."""

QUICK = Case("quick", "a small shop, to try the bench", products=300, latency_ms=0, rate=None, page_cap=100)
"""No measure of anything: start-up outweighs the rest."""
