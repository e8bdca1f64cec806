"""The report in a browser: it complains of nothing, asks for nothing, and can be read by everyone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from pipelines.report.page import index, render
from tests.browser.conftest import SCREENSHOTS, Chromium, Opened
from tests.security.texts import ALL
from tests.shop import Shop
from tests.test_report import report

WIDTHS = (390, 1280)
SCHEMES = ("light", "dark")


def is_well(opened: Opened, path: Path, width: int) -> None:
    """See that an open page is as it should be."""
    assert opened.complaints == []
    assert opened.requests == [path.as_uri()]
    assert opened.page.evaluate("document.documentElement.scrollWidth") <= width, "it must be moved sideways"
    assert opened.violations() == []


def look(chromium: Chromium, path: Path, name: str) -> None:
    """Open a page at each width in each scheme, everything unfolded, and keep a picture of it."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for width in WIDTHS:
        for scheme in SCHEMES:
            with chromium.open(path, width=width, scheme=scheme) as opened:
                opened.page.screenshot(path=SCREENSHOTS / f"{name}-{scheme}-{width}.png", full_page=True)
                opened.page.evaluate("document.querySelectorAll('details').forEach(one => one.open = true)")
                is_well(opened, path, width)


@pytest.mark.duckdb_only
def test_the_page_of_real_syncs(stocked: Shop, chromium: Chromium) -> None:
    dearer, bad, gone, other = stocked.active(4)
    for day in range(3):
        dearer["pricing"] = {"price_type": "FLAT", "price_sell": 70 + day}
        other["sellable_quantity"] = 50 + day
        stocked.serve()
        assert stocked.sync().status == 0
    bad["product_configurable_fields"]["name"] = None
    bad["e_commerce"] = None
    stocked.remove([gone])
    assert stocked.sync().status == 3
    page = stocked.home / "build" / "report" / "index.html"
    look(chromium, page, "partial")
    stocked.sandbox.set_faults(["key-refused"])
    assert stocked.sync().status == 1
    look(chromium, page, "failed")


def test_a_page_of_texts_that_give_orders(chromium: Chromium, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    for number, text in enumerate(("x" * 400, *ALL[15:34])):
        page.write_text(render(report(text), {}), "utf-8")
        with chromium.open(page, width=WIDTHS[number % 2], scheme=SCHEMES[number // 2 % 2]) as opened:
            is_well(opened, page, WIDTHS[number % 2])


def written(page: Path, ago: timedelta) -> Path:
    """A page that was written some time ago."""
    page.write_text(render(replace(report("a shop"), written_at=datetime.now(UTC) - ago), {}), "utf-8")
    return page


def test_a_page_that_nobody_renews_says_so(chromium: Chromium, tmp_path: Path) -> None:
    page = tmp_path / "index.html"
    with chromium.open(written(page, timedelta(minutes=119))) as opened:
        assert not opened.page.locator("#stale").is_visible()
    with chromium.open(written(page, timedelta(days=3, minutes=1))) as opened:
        assert "written 3 days ago, and no sync has renewed it" in opened.page.locator("#stale").inner_text()
        is_well(opened, page, 1280)


def test_without_scripts_it_says_the_same(chromium: Chromium, tmp_path: Path) -> None:
    page = written(tmp_path / "index.html", timedelta())
    with chromium.open(page, scripts=False) as opened:
        text = opened.page.locator("main").inner_text()
    assert "12 minutes before this page was written" in text and "What changed last" in text


@pytest.mark.parametrize("width", WIDTHS)
def test_the_index_of_the_docs(chromium: Chromium, tmp_path: Path, width: int) -> None:
    page = tmp_path / "index.html"
    pages: dict[str, Any] = {"dbt docs": ("dbt/index.html", "every model, column and test")}
    page.write_text(index(pages), "utf-8")
    with chromium.open(page, width=width) as opened:
        is_well(opened, page, width)
