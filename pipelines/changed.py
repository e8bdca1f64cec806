"""What one sync changed, as people want to read it: the prices that moved most, what is new, what is absent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pipelines.database import Connection, Row

SHOWN = 20

_PRICES = ("price_retail", "price_member", "price_sale")


@dataclass(frozen=True, slots=True)
class Changed:
    """The first SHOWN of each kind and their true numbers.

    `prices`: {source_id, name, price (the column), was, becomes, percent}, the largest moves in percent first; a price
    that came or went is no move. `created`, `absent`: {source_id, name}, by name.
    """

    total: int = 0
    prices: Sequence[Row] = ()
    prices_total: int = 0
    created: Sequence[Row] = ()
    created_total: int = 0
    absent: Sequence[Row] = ()
    absent_total: int = 0


def changed(connection: Connection, sync_log_id: UUID) -> Changed:
    """What product_changes holds of a sync; names are those that `products` has now."""
    totals = {
        row["change"]: row["n"]
        for row in connection.rows(
            "select change, count(*) as n from product_changes where sync_log_id = $id group by change", id=sync_log_id
        )
    }
    prices = connection.rows(_moves(), id=sync_log_id)
    return Changed(
        total=sum(totals.values()),
        prices=[{name: value for name, value in row.items() if name != "total"} for row in prices],
        prices_total=prices[0]["total"] if prices else 0,
        created=_named(connection, sync_log_id, "created"),
        created_total=totals.get("created", 0),
        absent=_named(connection, sync_log_id, "absent"),
        absent_total=totals.get("absent", 0),
    )


def _moves() -> str:
    each = " union all ".join(
        f"""
        select source, source_id, '{column}' as price,
            cast((fields -> '{column}') ->> 'old' as numeric(18, 4)) as was,
            cast((fields -> '{column}') ->> 'new' as numeric(18, 4)) as becomes
        from product_changes where sync_log_id = $id and change = 'updated'
        """
        for column in _PRICES
    )
    return f"""
        with moves as (
            select *, 100.0 * (becomes - was) / was as percent, count(*) over () as total
            from ({each}) as each_price where was > 0 and becomes <> was
        )
        select moves.source_id, products.name, moves.price, moves.was, moves.becomes, moves.percent, moves.total
        from moves left join products using (source, source_id)
        order by abs(moves.percent) desc, moves.source_id, moves.price
        limit {SHOWN}
    """


def _named(connection: Connection, sync_log_id: UUID, change: str) -> list[Row]:
    return connection.rows(
        f"""
        select product_changes.source_id, products.name
        from product_changes left join products using (source, source_id)
        where product_changes.sync_log_id = $id and product_changes.change = $change
        order by products.name, product_changes.source_id
        limit {SHOWN}
        """,
        id=sync_log_id,
        change=change,
    )
