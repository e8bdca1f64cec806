"""The mapping of a Treez product gives the same on both engines, whatever a record holds."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from models.record import canonical, digest
from pipelines.database import Connection, Row, connect
from tests import warm
from tests.databases import Databases, TestDatabase

pytestmark = pytest.mark.long

RECORDS = 300
SEED = 9

NUMBERS: list[Any] = [
    0, 1, -1, 30, 2.5, 0.005, 1.005, 99999999.99, 99999999.995, 100000000, 2147483647, 2147483648, 999.99, 999.995, 1e5,
    1e-7, 123456789012345678, 12345678901234567890123456789, 4.35, 0.1, -0.0, 1e22, 33.333333333333336,
    "0", "12", " 12 ", "12.50", "+5", ".5", "5.", "-0", "1e3", "1E-3", "1e99", "1e-99", "0.00499999999999",
    "1.0049999999999", "9" * 28, "9" * 29, "9" * 61, "007", "1,5", "$5", "NaN", "inf", "Infinity", "0x10", "1_000",
    "--1", "1e", "e5", ".", "", " ", "\u00a05\u2003", "\uff11\uff12", "½", "<LOQ", "ND", None, True, False, [],
    [1], {}, {"a": 1},
]  # fmt: skip
TEXTS: list[Any] = [
    "Lemon", " Lemon ", "", " ", "\t\n", "\u00a0\u2007\u3000", "\u200bLemon", "Crème brûlée", "L'été", 'say "hi"',
    "back\\slash", "new\nline", "tab\tbed", "🍋", "👩‍🌾", "日本語", "مرحبا", "e\u0301", "ﬁ", "ß", "İ", "ı", "%s %(x)s",
    "{{ x }}", "$1", "null", "true", "{\"a\": 1}", "[1, 2]", "\x7f", "\x01", "a" * 5000, 12, 12.5, 1e3, 0, True, None,
    [], ["Lemon"], {}, {"en": "Lemon"},
]  # fmt: skip
CATEGORIES: list[Any] = [
    *TEXTS,
    "FLOWER",
    "flower",
    " PreRoll ",
    "EXTRACT",
    "CARTRIDGE",
    "BEVERAGE",
    "non_inv",
    "Straße",
]
RESULT_TYPES: list[Any] = [
    "THC", "thc", "Total THC", "THC Total", "THCA", "THC-A", "Δ9-THC", "Delta-9 THC", "CBD", "CBDA", "Total CBD", "CBG",
    "Limonene", "limonene", "BETA CARYOPHYLLENE", "β-Myrcene", "Total Terpenes", "d-Limonene \"x\"", "α-Pinene",
    None, "", 7, [],
]  # fmt: skip
AMOUNT_TYPES: list[Any] = ["%", "%", "%", "PERCENTAGE", "percentage", " % ", "MG", "mg/g", None, "", 1]
STATUSES: list[Any] = ["ACTIVE", "active", "DEACTIVATED", " ACTIVE ", "", None, True]
PRICE_TYPES: list[Any] = ["FLAT", "TIER", "tier", "TIER ", None, "", 1]


def test_both_engines_map_alike(databases: Databases, tmp_path: Path) -> None:
    records = weird_records(random.Random(SEED))
    with databases.make("duckdb", migrated=True) as duckdb, databases.make("postgres", migrated=True) as postgres:
        one, other = (mapped(database, records, tmp_path / database.engine) for database in (duckdb, postgres))
    assert len(one) == len(other) == RECORDS
    assert_worth_comparing(list(one.values()))
    differences = [
        f"{column}: duckdb {one[key][column]!r}, postgres {other[key][column]!r}, of {records[int(key)]!r}"
        for key in one
        for column in one[key]
        if not alike(one[key][column], other[key][column])
    ]
    assert not differences, "\n".join(differences[:10])


@pytest.mark.parametrize(
    ("one", "other"), [("1", "2"), ([{"value": "a b"}], [{"value": "a c"}]), (None, ""), (1, None)]
)
def test_a_difference_is_seen(one: object, other: object) -> None:
    assert not alike(one, other)


def assert_worth_comparing(rows: list[Row]) -> None:
    """Each column has values and nulls, and each kind of warning occurs: else equality would say little."""
    for column in rows[0].keys() - {"source_id", "category", "in_stock", "is_active", "price_member"}:
        assert {row[column] is None for row in rows} == {True, False}, column
    kinds = {warning["kind"] for row in rows for warning in row["warnings"] or []}
    numbers = ("price_retail", "price_sale", "stock_quantity", "thc_percent", "cbd_percent", "terpenes")
    assert kinds == {
        "unknown category",
        "stock shown as 30",
        *(f"{column} {what}" for column in numbers for what in ("is no number", "does not fit")),
    }


def alike(one: Any, other: Any) -> bool:
    """Equal; in a warning that quotes an object or a list, apart from the engine's spaces in it."""
    if isinstance(one, list) and isinstance(other, list):
        return json.dumps(one).replace(" ", "") == json.dumps(other).replace(" ", "")
    return bool(one == other)


def mapped(database: TestDatabase, records: list[dict[str, Any]], home: Path) -> dict[str, Row]:
    """What stg_treez__products shows of the records: {place in the list: our columns and the warnings}."""
    made = warm.run(["migrate", "--database", database.url], home=home)
    assert made.status == 0, made.stderr
    with connect(database.target) as connection:
        with connection.transaction():
            publish(connection, records)
        rows = connection.rows("select * from staging_treez.stg_treez__products")
    ours = {"content_hash", "page", "extracted_at"}
    return {row["source_id"]: {name: value for name, value in row.items() if name not in ours} for row in rows}


def publish(connection: Connection, records: list[dict[str, Any]]) -> None:
    """Lay the records down as one published sync, in the form in which a sync lands them."""
    sync, integration, now = uuid4(), uuid4(), datetime.now(UTC)
    connection.execute("insert into integrations (id, type, name) values ($id, 'treez', 'Test')", id=integration)
    connection.execute(
        """
        insert into sync_logs (id, integration_id, sync_type, status, published_at)
        values ($id, $integration, 'manual', 'success', $now)
        """,
        id=sync,
        integration=integration,
        now=now,
    )
    for number, record in enumerate(records):
        form = canonical(json.dumps(record).encode())[1]
        names = {"hash": digest(form), "id": str(number)}
        connection.execute(
            "insert into staging_treez.payloads values ($hash, $hash, $id, $payload)",
            payload=form.decode(),
            **names,
        )
        connection.execute(
            "insert into staging_treez.sightings values ($sync, $integration, $id, $hash, 1, $now)",
            sync=sync,
            integration=integration,
            now=now,
            **names,
        )


def weird_records(dice: random.Random) -> list[dict[str, Any]]:
    """As many records as RECORDS, each with something odd in most of its fields; the same for the same dice."""
    return [{"product_id": str(number), **_record(dice)} for number in range(RECORDS)]


def _record(dice: random.Random) -> dict[str, Any]:
    nested = {
        "product_configurable_fields": _some(
            dice, name=TEXTS, brand=TEXTS, subtype=TEXTS, sub_type=TEXTS, strain_name=TEXTS, classification=TEXTS
        ),
        "e_commerce": _some(
            dice,
            menu_title=TEXTS,
            product_description=TEXTS,
            primary_image=TEXTS,
            all_images=[[], ["a"], ["", "b"], [None], "x"],
        ),
        "pricing": _some(dice, price_type=PRICE_TYPES, price_sell=NUMBERS, discounted_price=NUMBERS)
        | _maybe(dice, "tier_pricing_detail", lambda: _list(dice, lambda: _tier(dice))),
    }
    flat = _some(
        dice, name=TEXTS, brand=TEXTS, price=NUMBERS, price_sell=NUMBERS, price_sale=NUMBERS, sku=TEXTS, barcode=TEXTS,
        thc_percent=NUMBERS, cbd_percent=NUMBERS, stock_quantity=NUMBERS, quantity=NUMBERS, image_url=TEXTS,
        description=TEXTS, strain_type=TEXTS,
    )  # fmt: skip
    both = _some(
        dice, category_type=CATEGORIES, product_status=STATUSES, above_threshold=[True, False, None, "true", 1]
    )
    both |= _maybe(dice, "sellable_quantity", lambda: dice.choice(NUMBERS))
    both |= _maybe(dice, "product_barcodes", lambda: _list(dice, lambda: _barcode(dice)))
    both |= _maybe(dice, "lab_results", lambda: _list(dice, lambda: _lab(dice), most=8))
    broken = {name: dice.choice([None, [], "x", 7]) for name in nested if dice.random() < 0.1}
    return both | (flat if dice.random() < 0.2 else nested | broken)


def _some(dice: random.Random, **fields: list[Any]) -> dict[str, Any]:
    return {name: dice.choice(values) for name, values in fields.items() if dice.random() < 0.75}


def _maybe(dice: random.Random, name: str, make: Callable[[], Any]) -> dict[str, Any]:
    return {name: make()} if dice.random() < 0.75 else {}


def _list(dice: random.Random, make: Callable[[], Any], most: int = 3) -> Any:
    if dice.random() < 0.1:
        return dice.choice([None, {}, "x", 7, [None], [[]]])
    return [make() for _ in range(dice.randint(0, most))]


def _tier(dice: random.Random) -> Any:
    return _some(dice, start_value=NUMBERS, price_per_value=NUMBERS)


def _barcode(dice: random.Random) -> Any:
    return dice.choice(TEXTS) if dice.random() < 0.5 else _some(dice, sku=TEXTS, barcode=TEXTS)


def _lab(dice: random.Random) -> Any:
    amount = (
        dice.choice([None, "20", 7, []])
        if dice.random() < 0.1
        else _some(dice, minimum_value=NUMBERS, maximum_value=NUMBERS)
    )
    return {"amount": amount} | _some(dice, result_type=RESULT_TYPES, amount_type=AMOUNT_TYPES)
