"""The report: what it says of real syncs on both engines, and that whatever a text holds, it stays text."""

from __future__ import annotations

import base64
import hashlib
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from models.sync import Status, SyncLog
from pipelines.report.charts import charts
from pipelines.report.gather import CHANGES_SHOWN, REJECTED_SHOWN
from pipelines.report.page import HEADLINES, pair, render, value
from pipelines.report.told import Change, Changes, Last, Moves, Report, Shop, Standing
from tests.security.texts import ALL, MARK
from tests.shop import Shop as Synced
from tests.warm import run

NOW = datetime(2026, 11, 24, 20, 1, tzinfo=UTC)
ID = UUID("11111111-1111-4111-8111-111111111111")
VOID = {"meta", "link", "br"}


@dataclass
class Page(HTMLParser):
    """A page as a browser reads it: its text, its elements, and what it refers to."""

    source: str
    text: str = ""
    elements: list[tuple[str, dict[str, str | None]]] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    scripts: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.feed(self.source)
        self.close()
        assert self.inside == [], "an element is open at the end"
        self.text = " ".join(self.text.split())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.inside.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.inside.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        if self.inside[-1:] == ["script"]:
            self.scripts.append(data)
        elif self.inside[-1:] != ["style"]:
            self.text += data

    @property
    def links(self) -> list[str]:
        return [attributes["href"] or "" for tag, attributes in self.elements if tag == "a"]

    def asks_for_nothing(self) -> Page:
        """See that it loads nothing, runs nothing but its own script, and that its policy allows nothing else."""
        for tag, attributes in self.elements:
            assert tag not in ("img", "iframe", "object", "embed", "form", "base", "input"), tag
            assert not [name for name in attributes if name.startswith("on") or name in ("src", "style", "srcdoc")]
            assert tag != "link" or attributes == {"rel": "icon", "href": "data:,"}
        assert not [link for link in self.links if re.match(r"[a-z]+:|/", link)]
        (script,) = self.scripts
        assert MARK not in script
        policy = next(attributes["content"] for tag, attributes in self.elements if "http-equiv" in attributes)
        digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
        assert policy is not None and policy.startswith("default-src 'none'; ")
        assert f"script-src 'sha256-{digest}'" in policy and "unsafe" not in policy
        return self


def page_of(shop: Synced) -> Page:
    return Page((shop.home / "build" / "report" / "index.html").read_text()).asks_for_nothing()


@pytest.mark.alternating
def test_every_sync_writes_what_it_did_and_what_went_wrong(stocked: Synced, tmp_path: Path) -> None:
    dearer, bad, gone = stocked.active(3)
    dearer["pricing"] = {"price_type": "FLAT", "price_sell": 77.5}
    dearer["product_configurable_fields"]["name"] = "Dear <b>Product</b>"
    dearer["e_commerce"] = None
    bad["product_configurable_fields"]["name"] = None
    bad["e_commerce"] = None
    was = stocked.products()[dearer["product_id"]]
    stocked.remove([gone])
    assert stocked.sync().status == 3
    page = page_of(stocked)
    assert "The menu is fresh, but not all of it" in page.text and "Treez - Main Store (treez)" in page.text
    assert "Dear <b>Product</b>" in page.text
    assert f"price {was['price_retail']:,.2f} → 77.50" in page.text
    assert f"name {was['name']} → Dear <b>Product</b>" in page.text
    assert "0 new, 1 changed, 1 no longer listed" in page.text
    assert "Ended as! partial" in page.text and "not confirmed last time1" in page.text
    assert "rejected record: " in page.text and bad["product_id"] in page.text
    assert re.search(r"\d+ passed, none failed", page.text)
    assert page.links == ["../data_docs/index.html"]

    told = stocked.command("report", "--json", "--output", str(tmp_path / "menu" / "page.html"))
    assert told.status == 0, told.stderr
    (shop,) = told.json["integrations"]
    assert (shop["name"], shop["state"], shop["unconfirmed"]) == ("Treez - Main Store", "partial", 1)
    assert shop["active"] == stocked.standing()["active"]
    elsewhere = (tmp_path / "menu" / "page.html").read_bytes()
    assert told.json["bytes"] == len(elsewhere) and Page(elsewhere.decode()).asks_for_nothing().links == []

    stocked.sandbox.set_faults(["key-refused"])
    assert stocked.sync().status == 1
    page = page_of(stocked)
    assert "The menu is not being updated" in page.text and "refuses the key" in page.text
    assert "✕ failed: nothing was published, and products are as they were" in page.text
    assert "price " in page.text and "→ 77.50" in page.text, "what changed last stays to be seen"


@pytest.mark.alternating
def test_a_page_that_cannot_be_written_changes_no_status(stocked: Synced) -> None:
    build = stocked.home / "build"
    build.mkdir(parents=True)
    (build / "report").write_text("a file in the way")
    synced = stocked.sync()
    assert synced.status == 0 and synced.row["status"] == "success"
    assert "the report was not renewed: " in synced.ran.stderr and "error: " not in synced.ran.stderr
    ran = stocked.command("report")
    assert (ran.status, ran.stdout) == (2, "") and "can't be written to" in ran.error
    (build / "report").unlink()
    ran = stocked.command("report")
    assert (ran.status, ran.stdout.strip()) == (0, str(build / "report" / "index.html"))
    assert "The menu is fresh" in page_of(stocked).text
    assert [path.name for path in (build / "report").iterdir()] == ["index.html"]


@pytest.mark.alternating
def test_a_shop_that_was_never_synced_and_none(shop: Synced) -> None:
    assert shop.command("report").status == 0
    page = page_of(shop)
    assert "The menu was never updated" in page.text and "run guidelight sync" in page.text
    assert "The last sync" not in page.text and "History" not in page.text
    shop.command("integrations", "disable", shop.integration)
    assert shop.command("report").status == 0
    page = page_of(shop)
    assert "No shop is being synced" in page.text and "Treez - Main Store (treez): last good sync never" in page.text


def test_without_a_database_it_says_so(tmp_path: Path) -> None:
    ran = run(["report", "--database", str(tmp_path / "none.duckdb")], home=tmp_path)
    assert (ran.status, ran.stdout) == (2, "") and "There is no database" in ran.error
    assert not (tmp_path / "build" / "report").exists()


def log(text: str, status: Status = Status.PARTIAL) -> SyncLog:
    found = {"name": text, "severity": text, "message": text, "advice": text}
    return SyncLog(
        ID, ID, text, status, NOW, NOW, 1234, 40, 1, 2, 3, 4, text,
        {"problems": [{"kind": text, "message": text, "concerns": text}] * 200},
        {"warnings": [{"kind": text, "message": text, "products": 3}, {"message": text}],
         "checks": {"passed": 1, "failed": [found]}},
        None, NOW, False, text, text,
    )  # fmt: skip


def row(status: str = "success", **counts: Any) -> dict[str, Any]:
    known = dict.fromkeys(("fetched", "created", "updated", "unchanged", "absent", "rejected", "errors"), 0)
    return known | {"id": ID, "status": status, "scope": "full", "started_at": NOW, "duration_ms": 1500} | counts


def report(text: str, *, state: str = "partial", many: int = 3) -> Report:
    """A page of which every text that others can write is this one."""
    health = {
        "name": text, "source": "treez", "state": state, "reason": text, "last_good_sync_at": NOW, "age_minutes": 12,
    }  # fmt: skip
    values: dict[str, Any] = {"old": text, "new": [text]}
    changes = [
        Change(text, text, "updated", "mapping", {"name": values, "terpenes": {"old": {text: 1}, "new": None}}),
        Change(text, None, "absent", "absence", {"is_active": {"old": True, "new": False}}),
        Change(text, text, "created", "source", {"brand": {"new": text}, "price_retail": {"new": 3}}),
        Change(text, text, "updated", "source", {}),
    ]  # fmt: skip
    move = {
        "source_id": text, "name": text, "price": "price_sale", "was": 0, "becomes": None, "cause": "edit overwritten",
        "changed_at": NOW, "sync_log_id": ID,
    }  # fmt: skip
    shop = Shop(
        health=health,
        interval_minutes=60,
        standing=Standing(40, 30, 20, 10, None),
        syncs=[row("running"), row("failed"), row(updated=3), row("partial", errors=2)],
        syncs_total=1000,
        last=Last(log(text), [{"page": None, "source_id": text, "reason": text, "record": text}] * REJECTED_SHOWN, 50),
        changes=Changes(row(updated=3), changes * (many // 3), 5000),
        moves=Moves([move, move | {"was": 2, "becomes": 3}] * many, 700, 4),
    )
    return Report(text, text, NOW, [shop], [health])


@pytest.fixture(scope="module")
def harmless() -> list[str]:
    """The elements of the page of a text that is nothing special, commands apart."""
    return [tag for tag, _ in Page(render(report("harmless"), {})).elements if tag != "code"]


@pytest.mark.parametrize("text", [*ALL, "x" * 100_000, "\x00\ud800"], ids=range(len(ALL) + 2))
def test_whatever_a_text_holds_it_stays_text(text: str, harmless: list[str]) -> None:
    page = Page(render(report(text), {})).asks_for_nothing()
    assert [tag for tag, _ in page.elements if tag != "code"] == harmless, "a text made an element"
    page.source.encode()
    assert all(line.isprintable() for line in page.source.split("\n"))


def test_a_page_is_bounded_and_says_what_it_leaves_out() -> None:
    text = Page(render(report("x" * 100_000, many=CHANGES_SHOWN), {}))
    assert len(text.source) < 2_000_000
    for left_out in ("of 5,000 changes", "of 700 price changes", "of 50 records", "of 1,000 syncs"):
        assert left_out in text.text


@pytest.mark.parametrize("state", HEADLINES)
def test_each_state_has_a_word_and_a_sentence(state: str) -> None:
    page = Page(render(report("reason of it", state=state), {"dbt docs": "../docs/index.html"}))
    assert HEADLINES[state][1] in page.text
    assert (f"{state}: reason of it" in page.text) is (state != "healthy")
    assert page.links == ["../docs/index.html"]


def test_charts_have_names_marks_and_nothing_of_what_never_happened() -> None:
    syncs = [row("partial", errors=2, duration_ms=None), row("failed"), row("running"), row(created=1_234)]
    drawn = dict(charts(syncs))
    assert list(drawn) == ["How long it took, in seconds", "New products", "Errors"]
    page = Page(str(drawn["New products"]))
    (label,) = [attributes["aria-label"] for tag, attributes in page.elements if tag == "svg"]
    assert label == "New products; the 3 newest syncs, oldest first: 1,234, 0, 0"
    assert page.text == "01,234✓✕!"
    assert '<g class="partial">' in drawn["Errors"]
    assert not {"style", "script", "title", "desc"} & {tag for tag, _ in page.elements}
    assert charts(syncs[:1]) == [] and charts([]) == []


@pytest.mark.parametrize(
    ("given", "column", "shown"),
    [
        (None, "brand", "none"), ("", "brand", "none"), (True, "in_stock", "yes"), (False, "in_stock", "no"),
        (1234, "stock_quantity", "1,234"), (25, "price_retail", "25.00"), (12.5, "price_sale", "12.50"),
        (21.35, "thc_percent", "21.35"), ({"limonene": 1.5}, "terpenes", '{"limonene": 1.5}'),
        ("x" * 200, "", "x" * 160 + "…"),
    ],
)  # fmt: skip
def test_a_value_in_words(given: Any, column: str, shown: str) -> None:
    assert value(given, column) == shown


def test_long_texts_that_begin_alike_are_shown_from_where_they_differ() -> None:
    same = "It is a fine product of long descent, made with care by people who have done so all their lives. "
    assert pair({"old": same + "Old end.", "new": same + "New end."}, "description") == (
        f"…{same[-24:]}Old end.",
        f"…{same[-24:]}New end.",
    )
    assert pair({"old": "short", "new": "shorter"}, "name") == ("short", "shorter")


@pytest.mark.long
def test_as_many_are_unconfirmed_as_product_freshness_has(stocked: Synced) -> None:
    def unconfirmed() -> tuple[int, int]:
        (shop,) = stocked.command("report", "--json").json["integrations"]
        by_the_view = stocked.value(
            "select count(*) as n from marts.product_freshness inner join integrations on integrations.is_active "
            "where product_freshness.is_active and coalesce(last_confirmed_at < last_complete_sync_at, true)"
        )
        return shop["unconfirmed"], by_the_view

    assert unconfirmed() == (0, 0)
    bad, other, gone = stocked.active(3)
    names = [dict(one["product_configurable_fields"]) for one in (bad, other)]
    for one in (bad, other):
        one["product_configurable_fields"]["name"] = None
        one["e_commerce"] = None
    (absent,) = stocked.remove([gone])
    assert stocked.sync().status == 3
    assert unconfirmed() == (2, 2), "two records could not be used"
    stocked.execute("update products set is_active = true where source_id = $id", id=absent)
    assert unconfirmed() == (3, 3), "somebody switched on what is no longer listed"
    bad["product_configurable_fields"] = names[0]
    stocked.serve()
    assert stocked.sync("--product", bad["product_id"]).status == 0
    assert unconfirmed() == (2, 2)
