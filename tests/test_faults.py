"""Whatever the API answers: what can't be used is kept and told, and no answer empties a menu or stops a log."""

from __future__ import annotations

import pytest

from tests.shop import KEY, PAGE, PRODUCTS, Shop

pytestmark = pytest.mark.alternating

BEFORE_THE_FIRST_PAGE = {
    "down": "sync again later",
    "html": "web page (HTML)",
    "fail-200": "INTERNAL_ERROR",
    "key-refused": "check api_key",
    "key-refused:status=401": "check api_key",
    "forbidden": "check api_key",
    "not-found": "check dispensary_id",
    "http-500": "HTTP 500",
    "http-429": "requests_per_second",
    "empty-body": "empty",
    "bad-json": "",
    "cut-body": "",
    "reset": "",
    "redirect": "correct base_url",
}
"""What the source does from the start, and words of what a person then reads."""


@pytest.mark.long
@pytest.mark.parametrize("fault", BEFORE_THE_FIRST_PAGE)
def test_a_source_that_gives_nothing_changes_nothing(stocked: Shop, fault: str) -> None:
    before = stocked.published()
    complete = stocked.value("select last_complete_sync_at from integrations")
    stocked.sandbox.set_faults([fault])
    synced = stocked.sync()
    assert (synced.status, synced.row["status"]) == (1, "failed")
    assert synced.row["errors_count"] == 1 and [kind for kind, _ in synced.problems] == ["failure"]
    message = synced.row["error_message"]
    assert BEFORE_THE_FIRST_PAGE[fault] in message and "\n" not in message and "Traceback" not in synced.ran.stderr
    assert stocked.published() == before
    assert "traceback" not in (synced.row["summary"] or {})
    integration = stocked.rows("select last_sync_at, last_sync_status, last_complete_sync_at from integrations")[0]
    assert integration["last_sync_status"] == "failed" and integration["last_complete_sync_at"] == complete
    assert integration["last_sync_at"] == synced.row["completed_at"]


INCOMPLETE = (
    "html:page=2", "http-500:page=2", "down:page=3", "repeat-page", "page-one-forever",
    "cut-body:page=4", "fail-200:page=2", "bad-json:page=2", "empty-body:page=3",
)  # fmt: skip


@pytest.mark.long
@pytest.mark.parametrize("fault", INCOMPLETE)
def test_an_incomplete_listing_makes_nothing_absent(stocked: Shop, fault: str) -> None:
    before = stocked.published()
    complete = stocked.value("select last_complete_sync_at from integrations")
    stocked.remove(stocked.active(2))
    stocked.sandbox.set_faults([fault])
    synced = stocked.sync()
    assert (synced.status, synced.row["status"]) == (3, "partial"), synced.ran
    assert synced.row["listing_complete"] is False, synced.row
    assert {kind for kind, _ in synced.problems} <= {"page", "listing"} and synced.problems
    assert stocked.published() == before
    assert stocked.value("select last_complete_sync_at from integrations") == complete


def test_a_list_that_breaks_off_in_every_reading_is_held_back(stocked: Shop) -> None:
    before = stocked.published()
    stocked.remove(stocked.active(2))
    stocked.sandbox.set_faults(["empty-list:page=2"])
    synced = stocked.sync()
    assert synced.status == 3 and "guard" in {kind for kind, _ in synced.problems}
    assert stocked.published() == before


def test_what_an_incomplete_listing_left_is_made_up_for(stocked: Shop) -> None:
    gone = stocked.remove(stocked.active(2))
    stocked.sandbox.set_faults(["html:page=2"])
    assert stocked.sync().receipt["absent"] == 0
    stocked.sandbox.set_faults([])
    healed = stocked.sync()
    assert healed.status == 0 and healed.summary["absent"] == gone


def test_a_source_that_dies_in_the_middle_publishes_what_came(stocked: Shop) -> None:
    for record in stocked.sandbox.products:
        record["slug"] = "moved"
    stocked.serve()
    stocked.sandbox.set_faults([f"http-503:page={page}" for page in (3, 4, 5)])
    synced = stocked.sync()
    assert synced.status == 3 and synced.counts == (2 * PAGE, 0, 2 * PAGE, 0)
    assert synced.receipt["absent"] == 0
    stocked.sandbox.set_faults([])
    healed = stocked.sync()
    assert (healed.status, healed.counts) == (0, (PRODUCTS, 0, 2 * PAGE, 2 * PAGE))


@pytest.mark.long
@pytest.mark.parametrize(
    "fault",
    ["http-500:times=1", "reset:times=1,page=2", "token-expired", "http-429:times=1", "past-end-400", "no-total"],
)
def test_what_heals_by_itself_leaves_no_trace(stocked: Shop, fault: str) -> None:
    before = stocked.published()
    stocked.sandbox.set_faults([fault])
    synced = stocked.sync()
    assert (synced.status, synced.counts) == (0, (PRODUCTS, 0, 0, PRODUCTS)), synced.ran.stderr
    assert stocked.published() == before


def test_bad_records_are_kept_and_told(stocked: Shop) -> None:
    before = stocked.published()
    stocked.sandbox.set_faults(["bad-records:count=6"])
    synced = stocked.sync()
    assert (synced.status, synced.counts) == (3, (PRODUCTS + 6, 0, 0, PRODUCTS))
    assert synced.row["errors_count"] >= 6
    assert [kind for kind, _ in synced.problems].count("rejected record") == 6
    rows = stocked.rows("select * from staging_treez.rejected_records")
    assert len(rows) == 6 and all(row["reason"] and row["page"] == 1 for row in rows)
    assert all(row["record_length"] >= len(row["record_text"]) > 0 for row in rows)
    assert sum(row["source_id"] is None for row in rows) == 2
    assert not any("\x00" in row["record_text"] for row in rows)
    assert stocked.published() == before


def test_more_problems_than_are_kept_are_still_counted(stocked: Shop) -> None:
    stocked.sandbox.products.extend({"product_id": f"nameless-{number}"} for number in range(250))
    stocked.serve()
    synced = stocked.sync()
    details = synced.row["error_details"]
    assert synced.status == 3 and synced.row["errors_count"] == details["counts"]["rejected record"] == 250
    assert len(details["problems"]) == 200
    assert synced.row["listing_complete"] is True


def test_a_known_product_whose_record_is_bad_is_not_absent(stocked: Shop) -> None:
    bad, gone = stocked.active(2)
    before = stocked.products()
    bad["product_configurable_fields"] = {**bad["product_configurable_fields"], "name": " "}
    if bad["e_commerce"]:
        bad["e_commerce"]["menu_title"] = None
    stocked.remove([gone])
    synced = stocked.sync()
    assert (synced.status, synced.counts) == (3, (PRODUCTS - 1, 0, 0, PRODUCTS - 2))
    assert synced.row["errors_count"] == 1 and synced.row["listing_complete"] is True
    assert synced.summary["absent"] == [gone["product_id"]]
    (row,) = stocked.rows("select * from staging_treez.rejected_records")
    assert row["source_id"] == bad["product_id"]
    assert stocked.products()[bad["product_id"]] == before[bad["product_id"]]


def test_a_record_without_an_id_leaves_the_listing_unproven(stocked: Shop) -> None:
    before = stocked.published()
    stocked.active(1)[0]["product_id"] = None
    stocked.serve()
    synced = stocked.sync()
    assert synced.status == 3 and synced.row["listing_complete"] is False and synced.receipt["absent"] == 0
    assert stocked.published() == before


POISON = (
    "a\x00b", "\ud83d", "\x01\x02\x1f\x7f\x85\u2028", "x" * 300_000,
    "'; drop table products; -- \"$$ {{ 1/0 }} %s %(x)s {% do %} \\",
)  # fmt: skip
"""NUL, half a pair, control characters, a long text, and what SQL, Jinja and drivers could take for their own."""


def test_no_text_stops_a_sync(stocked: Shop) -> None:
    records = iter(stocked.sandbox.products)
    named: dict[str, str] = {}
    for number, text in enumerate(POISON):
        shown, filed, called, hidden = next(records), next(records), next(records), next(records)
        shown["e_commerce"] = {**(shown["e_commerce"] or {}), "menu_title": f"x{text}", "product_description": text}
        filed["category_type"] = text
        called["product_id"] = f"{number}{text}"
        hidden["slug"] = text
        if number > 1:
            named[shown["product_id"]] = text
    stocked.serve()
    synced = stocked.sync("--allow-mass-deactivation")
    assert synced.status == 3 and synced.row["published_at"] is not None, synced.ran
    # NUL and half a pair can't be stored; an id of 300,000 characters is none.
    assert synced.receipt["rejected"] == 2 * 4 + 1
    products = stocked.products()
    for identity, text in named.items():
        assert products[identity]["name"] == f"x{text}".strip()
        assert products[identity]["description"] == text.strip()
    again = stocked.sync()
    assert again.row["products_created"] == again.row["products_updated"] == 0


def test_an_answer_full_of_poison_still_ends_in_a_finished_log(stocked: Shop) -> None:
    stocked.configure(client_id=None)
    stocked.sandbox.set_faults(["fail-200"])
    assert stocked.sync().row["status"] == "failed"
    assert stocked.sync(env={KEY: "a wrong key"}).row["status"] == "failed"


def test_an_address_where_nobody_listens(stocked: Shop) -> None:
    before = stocked.published()
    stocked.configure(base_url="http://127.0.0.1:9")
    synced = stocked.sync()
    assert synced.status == 1 and synced.row["status"] == "failed" and stocked.published() == before


def test_a_private_address_is_refused_unless_allowed(stocked: Shop) -> None:
    stocked.configure(allow_private_address=None)
    synced = stocked.sync()
    assert synced.status == 1 and "allow_private_address" in synced.row["error_message"]
