"""Paging and its proof, for every size of list and page, without a network."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.sync import ProblemKind
from pipelines.errors import PageError, SourceRefused
from pipelines.sources.listing import Fetch, Listing
from pipelines.sources.proof import LOST_IN_A_ROW, Answer

SIZES = st.integers(1, 7)
COUNTS = st.integers(0, 40)


def paged(ids: list[str], size: int, *, announced: int | None = None, refuses: bool = False) -> Fetch:
    def fetch(number: int) -> Answer:
        records = [each.encode() for each in ids[(number - 1) * size : number * size]]
        refused = refuses and not records and number > 1
        return Answer(records, None if refused else announced, past_end=refused)

    return fetch


def names(count: int) -> list[str]:
    return [f"p{number}" for number in range(count)]


def read(fetch: Fetch, *, ahead: int = 3, size: int = 1) -> tuple[Listing, list[str]]:
    listing = Listing(fetch, lambda record: record.decode(), ahead=ahead, smallest_full_page=size, page_bound=200)
    return listing, [record.decode() for page in listing.pages() for record in page.records]


@settings(deadline=None)
@given(COUNTS, SIZES, st.booleans(), st.booleans(), st.integers(1, 5))
def test_every_listing_is_read_whole_and_in_order(
    count: int, size: int, announces: bool, refuses: bool, ahead: int
) -> None:
    fetch = paged(names(count), size, announced=count if announces else None, refuses=refuses)
    listing, seen = read(fetch, ahead=ahead, size=size)
    assert seen == names(count)
    # Refused right after a full page, and without a count: that may be a limit on paging as well as the end.
    unproven = refuses and not announces and count > 0 and count % size == 0
    assert listing.proof.stands is not unproven
    assert listing.proof.announced == (count if announces else None)


@settings(deadline=None)
@given(st.integers(1, 40), SIZES, st.data())
def test_a_product_that_slipped_past_is_missed_by_the_count(count: int, size: int, data: st.DataObject) -> None:
    ids = names(count)
    ids.remove(data.draw(st.sampled_from(ids)))
    listing, _ = read(paged(ids, size, announced=count), size=size)
    assert not listing.proof.stands


@settings(deadline=None)
@given(st.integers(1, 40), SIZES, st.booleans(), st.data())
def test_a_lost_page_costs_only_itself(count: int, size: int, announces: bool, data: st.DataObject) -> None:
    last = -(-count // size)
    lost = data.draw(st.integers(2, last)) if last > 1 else 2
    whole = paged(names(count), size, announced=count if announces else None)

    def fetch(number: int) -> Answer:
        if number == lost:
            raise PageError("gone", number)
        return whole(number)

    listing, seen = read(fetch, size=size)
    assert seen == [name for place, name in enumerate(names(count)) if place // size + 1 != lost]
    assert [problem.kind for problem in listing.problems] == [ProblemKind.PAGE]
    assert listing.problems[0].concerns == f"page {lost}"
    assert not listing.proof.stands


@settings(deadline=None)
@given(st.integers(2, 40), SIZES, st.data())
def test_a_product_on_two_pages_is_noticed_without_a_count(count: int, size: int, data: st.DataObject) -> None:
    ids = names(count)
    ids.insert(data.draw(st.integers(size, count)) if size <= count else count, ids[0])
    listing, seen = read(paged(ids, size), size=size)
    on_two_pages = ids.index("p0", 1) >= size
    assert listing.proof.stands is not on_two_pages
    if listing.proof.stands:
        assert seen == ids


def test_a_source_that_is_gone_is_not_asked_for_ever() -> None:
    def fetch(number: int) -> Answer:
        if number > 2:
            raise PageError("gone", number)
        return Answer([f"{number}-{place}".encode() for place in range(3)], announced=3000)

    listing, seen = read(fetch)
    assert len(seen) == 6
    assert [problem.kind for problem in listing.problems].count(ProblemKind.PAGE) == LOST_IN_A_ROW
    assert not listing.proof.stands


def test_a_list_that_changes_its_count_while_it_is_read_is_not_proven() -> None:
    def fetch(number: int) -> Answer:
        records = [f"{number}-{place}".encode() for place in range(3)] if number < 4 else []
        return Answer(records, announced=8 + number)

    listing, _ = read(fetch)
    assert "announced 9 and 10 products" in listing.proof.doubts()[0]


def test_refused_credentials_at_any_page_end_the_reading() -> None:
    def fetch(number: int) -> Answer:
        if number == 3:
            raise SourceRefused("no")
        return Answer([str(number).encode()])

    with pytest.raises(SourceRefused):
        read(fetch)


def test_records_without_an_id_are_told_apart_by_their_bytes() -> None:
    pages = {1: [b"x", b"y"], 2: [b"z"]}
    listing = Listing(lambda number: Answer(pages.get(number, []), announced=3), lambda _: None, ahead=2)
    assert [page.records for page in listing.pages()] == [[b"x", b"y"], [b"z"]]
    assert listing.proof.stands


def test_a_listing_that_never_ends_is_stopped_by_its_bound() -> None:
    listing = Listing(lambda number: Answer([str(number).encode()]), bytes.decode, ahead=4, page_bound=7)
    assert [page.number for page in listing.pages()] == [1, 2, 3, 4, 5, 6, 7]
    assert "had not ended after 7 pages" in listing.proof.doubts()[0]
    assert not listing.proof.stands
