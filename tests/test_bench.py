"""The bench: its floor must do the work that it is measured for, its table compare what belongs together."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from benchmarks import bars
from benchmarks.__main__ import lived
from benchmarks.cases import LIMIT, QUICK, USUAL, Case, Moment
from benchmarks.contenders import Cold, Floor, Warm
from benchmarks.floor import Api, sync
from benchmarks.measured import Counts, Measured, NotMeasured
from benchmarks.places import Places
from benchmarks.rows import Found, Row, Sheet
from benchmarks.shop import opened
from benchmarks.table import COLUMNS, cells, markdown
from benchmarks.written import after, before
from pipelines.database import connect
from pipelines.sandbox.server import Sandbox
from tests.databases import Databases, Engine, TestDatabase
from tests.shop import Shop

MAPPED = (
    "name, brand, category, product_type, description, sku, barcode, strain_name, strain_type, thc_percent, "
    "cbd_percent, price_retail, price_sale, stock_quantity, in_stock, image_url, is_active"
)


def floor(shop: Sandbox, database: TestDatabase) -> tuple[int, int, int, int]:
    """fetched, created, updated, unchanged."""
    api = Api(shop.base_url, shop.dispensary_id, shop.client_id, shop.api_key, rate=None)
    counts = sync(database.url, api)
    return counts["fetched"], counts["created"], counts["updated"], counts["unchanged"]


def test_the_floor_counts_what_it_does(empty_database: TestDatabase) -> None:
    with Sandbox(products=120, rate=None) as shop:
        before = {record["product_id"]: record for record in shop.products}
        assert floor(shop, empty_database) == (120, 120, 0, 0)
        assert floor(shop, empty_database) == (120, 0, 0, 120)
        shop.set_day(1)
        after = {record["product_id"]: record for record in shop.products}
        created = len(after.keys() - before.keys())
        updated = sum(after[key] != before[key] for key in after.keys() & before.keys())
        assert created and updated
        assert floor(shop, empty_database) == (len(after), created, updated, len(after) - created - updated)


def mapped(database: TestDatabase) -> dict[str, dict[str, Any]]:
    with connect(database.target) as connection:
        rows = connection.rows(f"select source_id, {MAPPED} from products where source = 'treez'")
    return {row.pop("source_id"): row for row in rows}


def test_the_floor_maps_as_a_sync_does(stocked: Shop, databases: Databases, engine: Engine) -> None:
    with databases.make(engine, migrated=False) as database:
        floor(stocked.sandbox, database)
        assert mapped(database) == mapped(stocked.database)


def row(engine: str, contender: str, *ends: float, moment: Moment = Moment.CHANGED) -> Row:
    runs = [Measured(end - 1, end, 50_000_000, Counts(5000, 0, 50, 4950), 50, 0) for end in ends]
    return Row(engine, moment, contender, runs)


def test_a_row_is_compared_with_the_floor_of_its_engine_and_moment_and_with_the_api_and_start_up() -> None:
    rows = [
        row("postgres", "floor", 12, 10, 11), row("postgres", "guidelight sync", 22, 21, 40),
        row("duckdb", "floor", 20, 20, 20), Row("duckdb", Moment.CHANGED, "sling", [], "not here"),
    ]  # fmt: skip
    sheet = Sheet(rows, [4.0, 5.0, 7.0])
    table = [dict(zip(COLUMNS, line, strict=True)) for line in cells(LIMIT, sheet)]
    assert [line["finished × floor"] for line in table] == ["1.00", "2.00", "1.00"]
    assert [line["published × floor"] for line in table] == ["0.91", "1.91", "0.95"]
    assert [line["finished × API"] for line in table] == ["1.10", "2.20", "2.00"]
    assert [line["finished × start-up"] for line in table] == ["2.20", "4.40", "4.00"]
    assert table[1]["from – to"] == "21.00 – 40.00"
    assert table[1]["created + updated + unchanged"] == "0 + 50 + 4,950"
    written = markdown({"machine": "this one"}, Found({LIMIT: sheet}), with_bars=True)
    assert f"| {' | '.join(table[1].values())} |" in written
    assert "Not measured: duckdb, sling: not here" in written
    assert "Start-up: 5.00 s (4.00 – 7.00, 3 times)." in written


def bar(found: Found, case: str, what: str, moment: Moment) -> list[str]:
    """Measured and met, on Postgres."""
    table = [dict(zip(bars.COLUMNS, line, strict=True)) for line in bars.lines(found)]
    where = {"case": case, "what": what, "moment": moment, "engine": "postgres"}
    (line,) = (line for line in table if where.items() <= line.items())
    return [line["measured"], line["met"]]


def test_a_bar_says_what_was_measured_and_whether_it_is_met() -> None:
    first = [
        row("postgres", bars.COLD, 11.5, moment=Moment.FIRST), row("postgres", bars.WARM, 12.2, moment=Moment.FIRST),
        row("postgres", bars.COLD, 16, moment=Moment.NOTHING),
    ]  # fmt: skip
    found = Found({LIMIT: Sheet(first, [5.0]), USUAL: Sheet(first, [10.0])})
    assert bar(found, "a", "cold: published, of the API's own", Moment.FIRST) == ["1.05 ×", "yes, and the aim"]
    assert bar(found, "a", "cold: finished, of the API's own", Moment.NOTHING) == ["1.60 ×", "no"]
    assert bar(found, "b", "cold: finished, of start-up", Moment.FIRST) == ["1.15 ×", "yes"]
    assert bar(found, "a", "warm: finished, beyond the API's wait", Moment.FIRST) == ["2.20 s", "yes"]
    assert bar(found, "a", "rows of products written", Moment.NOTHING) == ["50", "no"]
    assert bar(found, "c", "rows of products written", Moment.NOTHING) == ["not measured", ""]


def test_the_shops_of_the_cases_are_what_the_issue_asks() -> None:
    assert (LIMIT.api_seconds, USUAL.api_seconds, QUICK.api_seconds) == (10, None, None)
    assert (LIMIT.wait_seconds, USUAL.wait_seconds, QUICK.wait_seconds) == (10, pytest.approx(0.9), 0)


@pytest.fixture
def places(tmp_path: Path) -> Iterator[Places]:
    with closing(Places(tmp_path)) as made:
        yield made


def test_the_bench_measures_what_the_floor_does(places: Places, tmp_path: Path, engine: Engine) -> None:
    runs = lived_of(QUICK, places, tmp_path, engine)
    assert [runs[moment].written for moment in Moment] == [QUICK.products, 0, QUICK.changed]
    assert all(0 < run.published <= run.finished and run.peak > 0 for run in runs.values())


def test_a_contender_that_left_products_out_has_no_figures(places: Places, tmp_path: Path) -> None:
    fewer = replace(QUICK, products=QUICK.products + 1)
    with (
        places.fresh("duckdb") as place,
        opened(QUICK) as shop,
        pytest.raises(NotMeasured, match="holds 300 products of 301"),
    ):
        shop.open()
        run = Floor(tmp_path / "home").sync(place, shop)
        after(place, Floor.table, fewer, Moment.FIRST, before(place, Floor.table, Moment.FIRST), run)


def lived_of(case: Case, places: Places, tmp_path: Path, engine: str) -> dict[Moment, Measured]:
    with opened(case) as shop:
        return lived(Floor(tmp_path / "home"), engine, places, shop)


@pytest.mark.long
@pytest.mark.parametrize("contender", [Cold, Warm])
def test_the_bench_measures_a_whole_sync(contender: type[Cold], places: Places, tmp_path: Path, engine: Engine) -> None:
    with opened(QUICK) as shop, closing(contender(tmp_path / "home")) as measured:
        runs = lived(measured, engine, places, shop)
    assert [runs[moment].written for moment in Moment] == [QUICK.products, 0, QUICK.changed]
    assert [runs[moment].landed for moment in Moment] == [QUICK.products, 0, QUICK.changed]


def test_counts_that_differ_from_run_to_run_are_no_result() -> None:
    runs = [Measured(1, 2, 0, Counts(10, created, 0, 10 - created)) for created in (0, 1)]
    with pytest.raises(SystemExit, match="counted differently"):
        _ = Row("duckdb", Moment.NOTHING, "floor", runs).counts
