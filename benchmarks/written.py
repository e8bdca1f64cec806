"""What a database says of a sync after it: how many rows it wrote, how many payloads it landed, that it is right."""

from __future__ import annotations

from dataclasses import dataclass, replace

from benchmarks.cases import Case, Moment
from benchmarks.measured import Counts, Measured, NotMeasured
from pipelines.database import Connection, connect
from pipelines.settings import target


@dataclass(frozen=True, slots=True)
class Table:
    """Where a contender keeps products: a column that every write of a row changes (Postgres has its own, xmin), the
    sale price, and the table of what it landed, if it has one."""

    name: str
    version: str
    sale_price: str = "price_sale"
    payloads: str | None = None


@dataclass(frozen=True, slots=True)
class Before:
    """What stood in the database before a sync."""

    versions: frozenset[str]
    payloads: int


def before(place: str, table: Table, moment: Moment) -> Before:
    """Look before a sync; before the first there is nothing to see."""
    if moment is Moment.FIRST:
        return Before(frozenset(), 0)
    with connect(target(place)) as connection:
        return Before(frozenset(_versions(connection, table)), _payloads(connection, table) or 0)


def after(place: str, table: Table, case: Case, moment: Moment, was: Before, run: Measured) -> Measured:
    """The run with what the database says of it. Raises NotMeasured where the work was not done."""
    with connect(target(place)) as connection:
        versions = _versions(connection, table)
        payloads = _payloads(connection, table)
        sql = f"select count(*) as sold from {table.name} where cast({table.sale_price} as numeric(10, 2)) = 1.50"
        on_sale = int(connection.rows(sql)[0]["sold"])
    held, written = sum(versions.values()), sum(rows for name, rows in versions.items() if name not in was.versions)
    if held != case.products:
        raise NotMeasured(f"{table.name} holds {held:,} products of {case.products:,}")
    if moment is Moment.CHANGED and on_sale < case.changed:
        raise NotMeasured(f"{on_sale:,} of {case.changed:,} changed prices arrived in {table.name}")
    if run.counts is not None and run.counts != _expected(case, moment):
        raise NotMeasured(f"it counted {run.counts}, the shop has {_expected(case, moment)}")
    return replace(run, written=written, landed=None if payloads is None else payloads - was.payloads)


def _expected(case: Case, moment: Moment) -> Counts:
    created = case.products if moment is Moment.FIRST else 0
    updated = case.changed if moment is Moment.CHANGED else 0
    return Counts(case.products, created, updated, case.products - created - updated)


def _versions(connection: Connection, table: Table) -> dict[str, int]:
    """Rows by what the last write left in them."""
    version = "xmin" if connection.is_postgres else table.version
    sql = f"select cast({version} as text) as version, count(*) as rows from {table.name} group by 1"
    return {str(row["version"]): int(row["rows"]) for row in connection.rows(sql)}


def _payloads(connection: Connection, table: Table) -> int | None:
    if table.payloads is None:
        return None
    return int(connection.rows(f"select count(*) as payloads from {table.payloads}")[0]["payloads"])
