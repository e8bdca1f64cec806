"""The floor's SQL: one table, one mapping, one MERGE, for both engines.

The mapping is INTERFACE.md's for records as the contract has them, terpenes apart; a number that is none fails it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an engine reads JSON: text as it arrived made into a value, the text at a path of that, the elements of an
    array as (item, place), and whether several texts of one value are cheaper at once, as the list `texts`."""

    read: Callable[[str], str]
    text: Callable[[str, str], str]
    elements: Callable[[str], str]
    at_once: bool


POSTGRES = Dialect(
    read=lambda text: f"cast({text} as jsonb)",
    text=lambda value, path: f"{value} #>> '{{{path.replace('.', ',')}}}'",
    elements=lambda path: f"jsonb_path_query(payload, '$.{path}[*]') with ordinality as elements (item, place)",
    at_once=False,
)

DUCKDB = Dialect(
    read=lambda text: text,
    text=lambda value, path: f"json_extract_string({value}, '{_json_path(path)}')",
    elements=lambda path: (
        f"(select unnest(cast(payload -> '$.{path}' as json[])) as item, "
        f"generate_subscripts(cast(payload -> '$.{path}' as json[]), 1) as place) as elements"
    ),
    at_once=True,
)

_CATEGORIES = {
    "FLOWER": "flower", "PREROLL": "pre_roll", "EXTRACT": "concentrate", "CARTRIDGE": "vape", "EDIBLE": "edible",
    "BEVERAGE": "edible", "PILL": "edible", "TINCTURE": "tincture", "TOPICAL": "topical",
}  # fmt: skip


def products(json_type: str) -> str:
    """The table, made where it is missing."""
    return f"""
        create table if not exists products (
            source text not null, source_id text not null, content_hash text not null,
            name text not null, brand text, category text not null, product_type text, description text,
            sku text, barcode text, strain_name text, strain_type text,
            thc_percent numeric(5, 2), cbd_percent numeric(5, 2),
            price_retail numeric(10, 2), price_sale numeric(10, 2), stock_quantity integer, in_stock boolean,
            image_url text, is_active boolean, source_data {json_type}, last_synced_at timestamptz,
            primary key (source, source_id)
        )
    """


def mapping(dialect: Dialect, paths: list[str]) -> dict[str, str]:
    """{column: its expression}, over `payload`, or over `texts` at the paths that are noted in `paths`."""

    def one(path: str) -> str:
        if not dialect.at_once:
            return f"nullif(trim({dialect.text('payload', path)}), '')"
        if path not in paths:
            paths.append(path)
        return f"nullif(trim(texts[{paths.index(path) + 1}]), '')"

    def text(*places: str) -> str:
        return f"coalesce({', '.join(map(one, places))}, null)"

    fields, shop = "product_configurable_fields", "e_commerce"
    categories = " ".join(f"when '{theirs}' then '{ours}'" for theirs, ours in _CATEGORIES.items())
    return {
        "name": text(f"{shop}.menu_title", f"{fields}.name"),
        "brand": text(f"{fields}.brand"),
        "category": f"case {text('category_type')} {categories} else 'other' end",
        "product_type": text(f"{fields}.subtype", f"{fields}.sub_type"),
        "description": text(f"{shop}.product_description"),
        "sku": text("product_barcodes.0.sku", "product_barcodes.0"),
        "barcode": text("product_barcodes.0.barcode", "product_barcodes.0.sku", "product_barcodes.0"),
        "strain_name": text(f"{fields}.strain_name"),
        "strain_type": text(f"{fields}.classification"),
        "thc_percent": _percent(dialect, "TOTAL THC", "THC", "THCA"),
        "cbd_percent": _percent(dialect, "TOTAL CBD", "CBD", "CBDA"),
        "price_retail": f"coalesce(cast({text('pricing.price_sell')} as numeric(10, 2)), {_tier(dialect)})",
        "price_sale": f"cast({text('pricing.discounted_price')} as numeric(10, 2))",
        "stock_quantity": f"cast({text('sellable_quantity')} as integer)",
        "in_stock": f"coalesce(cast({text('sellable_quantity')} as integer) > 0, false)",
        "image_url": text(f"{shop}.primary_image", f"{shop}.all_images.0"),
        "is_active": f"coalesce({text('product_status')} = 'ACTIVE', false) "
        f"or coalesce({text('above_threshold')} = 'true', false)",
    }


def merge(dialect: Dialect) -> str:
    """Write what has another hash than in `products`; a row for each: INSERT or UPDATE."""
    paths: list[str] = []
    columns = {**mapping(dialect, paths), "content_hash": "content_hash", "source_data": "payload"}
    listed = ", ".join(f"'{_json_path(path)}'" for path in paths)
    texts = f", json_extract_string(incoming.payload, [{listed}]) as texts" if paths else ""
    expressions = ", ".join(f"{expression} as {name}" for name, expression in columns.items())
    names = ", ".join(columns)
    action = "merge_action()" if dialect is POSTGRES else "merge_action"
    return f"""
        merge into products as known
        using (
            select source_id, {expressions}
            from (
                select incoming.source_id, incoming.content_hash, {dialect.read("incoming.payload")} as payload{texts}
                from incoming
                left join products as before on before.source = 'treez' and before.source_id = incoming.source_id
                where before.content_hash is distinct from incoming.content_hash
                offset 0
            ) as unlike
        ) as fresh
        on known.source = 'treez' and known.source_id = fresh.source_id
        when matched then update set {", ".join(f"{name} = fresh.{name}" for name in columns)}, last_synced_at = now()
        when not matched then insert (source, source_id, {names}, last_synced_at)
            values ('treez', fresh.source_id, {", ".join(f"fresh.{name}" for name in columns)}, now())
        returning {action}
    """


def _percent(dialect: Dialect, *kinds: str) -> str:
    """The largest amount in percent of the first kind that has one: a total, the plain form, the acid."""
    value = f"cast(coalesce({dialect.text('item', 'amount.maximum_value')}, "
    value += f"{dialect.text('item', 'amount.minimum_value')}) as numeric(10, 4))"
    kind, unit = dialect.text("item", "result_type"), dialect.text("item", "amount_type")
    largest = ", ".join(f"max(case when {kind} = '{name}' then {value} end)" for name in kinds)
    return f"(select cast(coalesce({largest}) as numeric(5, 2)) from {dialect.elements('lab_results')} " + (
        f"where {unit} in ('PERCENTAGE', '%'))"
    )


def _tier(dialect: Dialect) -> str:
    """The price of a unit at the smallest start above zero, else in the first tier."""
    start = f"cast({dialect.text('item', 'start_value')} as numeric(20, 4))"
    return (
        f"(select cast({dialect.text('item', 'price_per_value')} as numeric(10, 2)) "
        f"from {dialect.elements('pricing.tier_pricing_detail')} "
        f"order by case when {start} > 0 then 0 else 1 end, case when {start} > 0 then {start} end, place limit 1)"
    )


def _json_path(path: str) -> str:
    return "$." + path.replace(".0", "[0]")
