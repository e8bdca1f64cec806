"""Decides when a paged listing has ended and whether it was had whole; a function of what was seen, no I/O.

The rules are TREEZ.md's (Paging; Order and edges): the end is a short or empty page that the next page confirms by
being empty, an announced count is a hint and a cross-check, and what can't be proven is doubted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

LOST_IN_A_ROW = 5
"""So many pages lost one after the other mean that the source is gone: the listing is given up."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A page as the source answered it: its records, the count of the whole list where it says one, and whether
    it refused the number as past its end instead of answering with an empty page."""

    records: Sequence[bytes | msgspec.Raw]
    announced: int | None = None
    past_end: bool = False

    def copied(self) -> list[bytes]:
        """Each record's own bytes, out of the body. Of a listing's pages by the one thread that uses them: each that
        fetches would keep room for as many as it ever held."""
        return [bytes(record) for record in self.records]


class Proof:
    """What the pages seen so far prove. Pages are told in their order, each once, as `saw` or as `lost`."""

    def __init__(self, *, unpaged: bool = False, smallest_full_page: int = 1) -> None:
        self.ended = False
        self._unpaged = unpaged
        self._smallest_full_page = smallest_full_page
        self._first_page_of: dict[str, int] = {}
        self._page_with: dict[frozenset[str], int] = {}
        self._sizes: list[int] = []
        self._counts: list[int] = []
        self._largest = 0
        self._blank: list[int] = []
        self._refused = 0
        self._hopeless = False
        self._lost = 0
        self._lost_in_a_row = 0
        self._twice = 0
        self.in_one_answer = False
        self._flaws: list[str] = []

    @property
    def announced(self) -> int | None:
        return self._counts[-1] if self._counts else None

    @property
    def distinct(self) -> int:
        return len(self._first_page_of)

    @property
    def expected_pages(self) -> int | None:
        """The last page with products and the one that confirms it, by what was announced; a hint."""
        if self._largest == 0:
            return 1
        if self.announced is None:
            return None
        return -(-self.announced // self._largest) + 1

    @property
    def identities(self) -> frozenset[str]:
        return frozenset(self._first_page_of)

    @property
    def is_hopeless(self) -> bool:
        """Whether another pass could not make it whole: the source is gone, or its pages are not what they say."""
        return self._hopeless or self._lost > 0

    def give_up(self, why: str) -> None:
        """Note a reason for which no further page can be of use, and end the listing."""
        self._flaws.append(why)
        self._hopeless = self.ended = True

    def lost(self, number: int) -> None:
        """Page `number` could not be had."""
        self._lost += 1
        self._lost_in_a_row += 1
        self._blank = []
        self._refused = 0
        self._sizes.append(0)
        if self._lost_in_a_row == LOST_IN_A_ROW:
            self.give_up(f"{LOST_IN_A_ROW} pages in a row could not be had, up to page {number}")

    def saw(self, number: int, answer: Answer, identities: Sequence[str]) -> bool:
        """Take page `number` into account; False when its records were all had before, as one page."""
        self._lost_in_a_row = 0
        self._note_count(number, answer)
        if not answer.records:
            self._saw_blank(number, answer)
            return True
        alike = frozenset(identities)
        earlier = self._page_with.setdefault(alike, number)
        if earlier != number:
            self._saw_repeated(number, earlier)
            return False
        if self._blank:
            self._flaws.append(f"page {self._blank[0]} was empty although page {number} was not")
        self._blank = []
        self._refused = 0
        self._sizes.append(len(answer.records))
        self._largest = max(self._largest, len(answer.records))
        for identity in alike:
            self._twice += self._first_page_of.setdefault(identity, number) != number
        return True

    def doubts(self) -> list[str]:
        """Why the listing, which has ended, may not be whole; empty when nothing speaks against it."""
        if self._lost or self._flaws:
            return self._flaws  # they explain whatever doesn't add up
        return self._shifts()

    @property
    def proves(self) -> bool:
        """Whether this pass alone shows that it is whole: nothing against it, and the count as announced."""
        is_counted = self.announced is not None or self.in_one_answer or self.distinct == 0
        return self.stands and is_counted

    @property
    def stands(self) -> bool:
        """Whether nothing speaks against its being whole."""
        return self.ended and not self._lost and not self.doubts()

    def agrees_with(self, earlier: Proof) -> bool:
        """Whether two passes together show it: gaps apart, they saw the same products, or all that were announced."""
        if self._lost or self._flaws or earlier._flaws:
            return False
        together = self.identities | earlier.identities
        return self.identities == earlier.identities or len(together) == self.announced

    def _note_count(self, number: int, answer: Answer) -> None:
        # Past the end Treez says 0 (TREEZ.md, Order and edges): an empty page counts only as the first.
        if answer.announced is None or not (answer.records or number == 1):
            return
        if answer.announced not in self._counts:
            self._counts.append(answer.announced)

    def _saw_repeated(self, number: int, earlier: int) -> None:
        if self._unpaged and (number, earlier) == (2, 1):
            self.ended = self.in_one_answer = True
        else:
            self.give_up(f"page {number} held the same products as page {earlier}, so the pages are not what they say")

    def _saw_blank(self, number: int, answer: Answer) -> None:
        """An empty page: the end, when it confirms a short page, an earlier empty one, or the announced count."""
        last = self._sizes[-1] if self._sizes else 0  # 0 as well for a page that was lost
        self._blank.append(number)
        self._refused += answer.past_end
        if number == 1:
            return
        if self._unpaged and number == 2:
            self.ended = True
            return
        was_short = 0 < last < max(self._largest, self._smallest_full_page)
        if was_short or (self.announced is not None and self.distinct == self.announced):
            self.ended = True
        elif len(self._blank) == 2:
            self.ended = True
            if self._refused == 2:
                self._flaws.append(f"page {self._blank[0]} was refused, though the page before it was a full one")

    def _shifts(self) -> list[str]:
        """What shows that the list moved while it was read; another pass may settle it."""
        if len(self._counts) > 1:
            said = " and ".join(map(str, self._counts[:2]))
            return [f"the source announced {said} products while it was read, so the list changed meanwhile"]
        if self.announced is not None:
            if self.distinct == self.announced:
                return []
            return [f"{self.announced} products were announced, {self.distinct} were listed"]
        doubts = []
        if self._twice:
            doubts.append(f"{self._twice} products stood on two pages, so pages shifted while they were read")
        if not self.in_one_answer and any(size < self._largest for size in self._sizes[:-1]):
            doubts.append("a page in the middle held fewer products than the others, and no count was announced")
        return doubts
