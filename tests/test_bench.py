"""The bench: its floor must do the work that it is measured for, its table compare what belongs together."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.cases import LIMIT, Moment
from benchmarks.contenders import Counts, Measured
from benchmarks.floor import Api, sync
from benchmarks.table import COLUMNS, Row, cells, markdown
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


def test_a_row_is_compared_with_the_floor_of_its_engine_and_moment_and_with_the_api() -> None:
    def row(engine: str, contender: str, *ends: float) -> Row:
        runs = [Measured(end - 1, end, 50_000_000, Counts(5000, 0, 50, 4950)) for end in ends]
        return Row(engine, Moment.CHANGED, contender, runs)

    rows = [
        row("postgres", "floor", 12, 10, 11), row("postgres", "guidelight sync", 22, 21, 40),
        row("duckdb", "floor", 20, 20, 20),
    ]  # fmt: skip
    table = [dict(zip(COLUMNS, line, strict=True)) for line in cells(LIMIT, rows)]
    assert [line["finished × floor"] for line in table] == ["1.00", "2.00", "1.00"]
    assert [line["published × floor"] for line in table] == ["0.91", "1.91", "0.95"]
    assert [line["finished × API"] for line in table] == ["1.10", "2.20", "2.00"]
    assert table[1]["from – to"] == "21.00 – 40.00"
    assert table[1]["created + updated + unchanged"] == "0 + 50 + 4,950"
    assert f"| {' | '.join(table[1].values())} |" in markdown({"machine": "this one"}, {LIMIT: rows})


def test_counts_that_differ_from_run_to_run_are_no_result() -> None:
    runs = [Measured(1, 2, 0, Counts(10, created, 0, 10 - created)) for created in (0, 1)]
    with pytest.raises(SystemExit, match="counted differently"):
        _ = Row("duckdb", Moment.NOTHING, "floor", runs).counts
