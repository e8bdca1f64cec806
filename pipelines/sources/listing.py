"""Reads a paged listing once, several pages ahead; knows no source.

Any source with numbered pages gives it two functions: one that fetches a page, one that tells a record's identity.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass

from models.record import digest
from models.sync import Problem, ProblemKind
from pipelines.errors import SourceError, SourceRefused
from pipelines.sources.proof import Answer, Proof

Fetch = Callable[[int], Answer]
Identify = Callable[[bytes], str | None]


@dataclass(frozen=True, slots=True)
class Page:
    """A page that arrived: its number from 1, and each record's own JSON bytes."""

    number: int
    records: list[bytes]


class Listing:
    """One pass through a whole listing. What it proves is known once `pages` is exhausted: `proof`, `problems`.

    `fetch(number)` returns a page or raises SourceError; it is called from `ahead` threads at once. `identify`
    returns a record's id where it can be read. `unpaged`: the first answer may be the whole list (TREEZ.md, bearer).
    `smallest_full_page` is the fewest records that a page which isn't the last can be expected to hold.
    """

    def __init__(
        self,
        fetch: Fetch,
        identify: Identify,
        *,
        ahead: int,
        unpaged: bool = False,
        smallest_full_page: int = 1,
        page_bound: int = 10_000,
    ) -> None:
        self._fetch = fetch
        self._identify = identify
        self._ahead = ahead
        self._unpaged = unpaged
        self._page_bound = page_bound
        self.proof = Proof(unpaged=unpaged, smallest_full_page=smallest_full_page)
        self.problems: list[Problem] = []

    def pages(self) -> Iterator[Page]:
        """The pages in their order, as they arrive; those without a record are left out.

        A page that can't be had is a problem of kind page, and the reading goes on.
        Raises SourceError when the first page can't be had, SourceRefused at any page.
        """
        number, page = 1, self._seen(1, self._fetch(1))
        pool = ThreadPoolExecutor(self._ahead, thread_name_prefix="page")
        coming: dict[int, Future[Answer]] = {}
        try:
            while True:
                last = self.proof.ended or number >= self._page_bound
                if not last:
                    self._ask_ahead(pool, coming, number + 1)
                if page is not None:
                    yield page
                if last:
                    break
                number += 1
                page = self._arrived(number, coming.pop(number))
        finally:
            pool.shutdown(wait=False, cancel_futures=True)
        if not self.proof.ended:
            self.proof.give_up(f"the listing had not ended after {self._page_bound} pages")

    def _ask_ahead(self, pool: ThreadPoolExecutor, coming: dict[int, Future[Answer]], number: int) -> None:
        for wanted in range(number, self._horizon(number) + 1):
            if wanted not in coming:
                coming[wanted] = pool.submit(self._fetch, wanted)

    def _horizon(self, number: int) -> int:
        """The last page worth asking for now: a few ahead, but none that can't be there by what was announced."""
        unknown = number if self._unpaged else self._page_bound
        expected = self.proof.expected_pages
        furthest = unknown if expected is None else max(number, expected)
        return min(number + self._ahead - 1, furthest, self._page_bound)

    def _arrived(self, number: int, coming: Future[Answer]) -> Page | None:
        try:
            answer = coming.result()
        except SourceRefused:
            raise
        except SourceError as error:
            self.problems.append(Problem(ProblemKind.PAGE, str(error), f"page {number}"))
            self.proof.lost(number)
            return None
        return self._seen(number, answer)

    def _seen(self, number: int, answer: Answer) -> Page | None:
        records = answer.copied()
        identities = [self._identify(record) or digest(record) for record in records]
        new = self.proof.saw(number, answer, identities)
        return Page(number, records) if new and records else None
