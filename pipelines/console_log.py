"""A sync, a product and its life, and a verification in words, for people."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipelines.console import BAD, GOOD, OUTCOMES, Console, cell, say
from pipelines.history import CAUSES
from pipelines.outcome import REASONS_SHOWN

_FACTS = ("sync_type", "triggered_by", "scope", "started_at", "published_at", "completed_at", "duration_ms", "release")
_KINDS = ("created", "updated", "unchanged", "rejected", "absent")


def log(console: Console, row: dict[str, Any]) -> None:
    """One sync: what it was, its counts, receipt and changes, what went wrong, and what to do next."""
    of = f"{cell(row['integration_name'])} ({row['source']})" if row["source"] else "an integration deleted since"
    say(f"sync {row['id']} of {of}: {str(row['status']).upper()}", OUTCOMES.get(row["status"]))
    console.details({name: row[name] for name in _FACTS})
    summary = row["summary"] or {}
    receipt = summary.get("receipt") or {}
    counts = {name: row.get(f"products_{name}", receipt.get(name, 0)) for name in ("fetched", *_KINDS)}
    console.listing([counts | {"errors": row["errors_count"]}], (*counts, "errors"), "")
    for sentence in _receipt(receipt) if receipt else ["nothing was published: products are as they were"]:
        say(sentence)
    if row["changed_fields"]:
        told = ", ".join(f"{name} {count:,}" for name, count in row["changed_fields"].items())
        say(f"changed columns, and of how many products: {told}")
    for old, new in row["merged_into"].items():
        say(f"{cell(old)} was merged into {', '.join(map(cell, new))}")
    _rejected(console, row["rejected"], receipt.get("rejected", 0))
    checks = summary.get("checks")
    if checks:
        failed = ", ".join(cell(one["name"]) for one in checks["failed"])
        say(f"checks: {checks['passed']} passed, {f'failed: {failed}' if failed else 'none failed'}")
    if summary.get("pruned"):
        told = ", ".join(f"{count:,} of {table}" for table, count in summary["pruned"].items())
        say(f"pruned, rows beyond what is kept: {told}")
    console.problems(row)
    details = row["error_details"] or {}
    if row["error_message"] and not details.get("problems"):
        say(f"error: {row['error_message']}", BAD)
    if console.verbose:
        for line in "".join(details.get("traceback") or []).splitlines():
            say(line)
    console.warnings(row)
    _next(console, row, receipt)


def _receipt(receipt: Mapping[str, int]) -> Iterator[str]:
    number = {name: f"{count:,}" for name, count in receipt.items()}
    yield (
        f"receipt: {number['fetched']} records fetched = {number['created']} products created "
        f"+ {number['updated']} updated + {number['unchanged']} unchanged + {number['rejected']} rejected"
    )
    yield (
        f"active products: {number['active_after']} = {number['active_before']} before "
        f"+ {number['created_active']} created + {number['reactivated']} reactivated "
        f"- {number['deactivated']} deactivated - {number['absent_active']} absent"
    )
    if receipt["held_back"]:
        yield f"held back: {number['held_back']} products would have become absent, and stay as they were"


def _rejected(console: Console, reasons: Sequence[Mapping[str, Any]], total: int) -> None:
    if total and not reasons:
        say(f"rejected: {total:,} records, which staging no longer keeps")
    if reasons:
        known = sum(one["records"] for one in reasons)
        most = f" (the {REASONS_SHOWN} most frequent reasons)" if known < total else ""
        say(f"rejected records{most}:")
        rows = [dict(one) | {"a record": f"{one['reason']}"} for one in reasons]
        console.listing(rows, ("records", "a record", "source_id", "page"), "")


def _next(console: Console, row: dict[str, Any], receipt: Mapping[str, int]) -> None:
    start = str(row["id"])[:8]
    hints = {row["repeat"]: "do the same again"}
    if receipt.get("held_back"):
        hints[f"{row['repeat']} --allow-mass-deactivation"] = "where those products are really gone"
    if receipt.get("rejected"):
        hints[f"guidelight staging rejected --sync {start}"] = "the rejected records"
    if row["published_at"] is not None:
        hints["guidelight history SOURCE_ID"] = "what syncs did to one product"
        hints[f"guidelight verify --sync {start}"] = "the receipt, recomputed from the tables"
    console.hints(list(hints.items()))


def history(console: Console, row: dict[str, Any]) -> None:
    """One product: how it stands, where it came from, and its changes, newest first."""
    now, staging, rejected = row["now"], row["staging"], row["rejected"]
    say(f"{cell(now['name']) if now else '(not in products)'} ({row['source']} {cell(row['source_id'])})")
    console.details(dict(_standing(now, staging, rejected)))
    for heading, others in (("merged from", row["merged_from"]), ("merged into", row["merged_into"])):
        for one in others:
            known = f"{cell(one['name'])}, {_active(one['is_active'])}" if one["name"] else "not in products"
            say(f"{heading} {cell(one['source_id'])} ({known})")
    _changes(row)
    more = row["changes_total"] - len(row["changes"])
    if more > 0:
        console.tell(f"and {more:,} older changes: --limit {row['changes_total']} shows them all")
    if not row["changes"]:
        console.tell("No sync has changed it")


def explained(console: Console, product: dict[str, Any]) -> None:
    """Why a product is as it is, column by column, and who changed it last."""
    say(f"{cell(product['name'])} ({product['source']} {cell(product['source_id'])})")
    rows = [
        {
            "column": name,
            "products": values["products"],
            "the source says": None if values["products"] == values["source"] else values["source"],
        }
        for name, values in product["columns"].items()
        if values["products"] is not None or values["source"] is not None
    ]
    console.listing(rows, ("column", "products", "the source says"), "")
    for name, value in product["received"].items():
        say(f"received {name}: {cell(value)}")
    _changes(product)


def _changes(row: Mapping[str, Any]) -> None:
    for change in row["changes"]:
        how = f", {change['sync_type']}" if change["sync_type"] else ""
        say(
            f"{cell(change['changed_at'])}  {change['change']} ({change['cause']}: {_why(change)}) "
            f"by sync {str(change['sync_log_id'])[:8]}{how}"
        )
        for line in _fields(change):
            say(f"    {line}")


def _standing(
    now: Mapping[str, Any] | None, staging: Mapping[str, Any], rejected: Mapping[str, Any] | None
) -> Iterator[tuple[str, str | None]]:
    if now is None:
        yield "now", "not in products: never published, or deleted there since"
    else:
        stock = "in stock" if now["in_stock"] else "out of stock"
        quantity = "" if now["stock_quantity"] is None else f" ({now['stock_quantity']:,})"
        price = "" if now["price_retail"] is None else f", {now['price_retail']}"
        sale = "" if now["price_sale"] is None else f", on sale for {now['price_sale']}"
        yield "now", f"{_active(now['is_active'])}, {stock}{quantity}{price}{sale}"
        yield "confirmed", cell(now["last_confirmed_at"]) or "not in a sync that is kept"
        yield "last written", cell(now["last_synced_at"]) or None
    if staging["syncs"]:
        seen = f"{cell(staging['first_seen_at'])} to {cell(staging['last_seen_at'])}"
        yield "seen", f"{seen}, in {staging['syncs']:,} of the syncs that staging keeps"
        yield "content since", cell(staging["content_since"])
    if rejected is not None:
        yield (
            "rejected",
            f"{cell(rejected['received_at'])}: a record {cell(rejected['reason'])} ({rejected['times']:,} in all)",
        )


def _active(is_active: bool | None) -> str:
    return "active" if is_active else "not active"


def _why(change: Mapping[str, Any]) -> str:
    if change["change"] == "created" and change["cause"] == "source":
        return "it was listed, and not in products"
    return CAUSES[change["cause"]]


def _fields(change: Mapping[str, Any]) -> Iterator[str]:
    for name, value in change["fields"].items():
        if name == "source_data":
            continue
        old = f"{cell(value['old']) or '(none)'} → " if "old" in value else ""
        edit = "   (the old value was an edit, no sync's)" if name in change["edits"] else ""
        yield f"{name}: {old}{cell(value.get('new')) or '(none)'}{edit}"
    if "source_data" in change["fields"] and change["change"] == "updated":
        members = change["members"]
        yield f"in the record: {', '.join(map(cell, members))}" if members else "another record"


def verified(console: Console, row: dict[str, Any]) -> None:
    """Each equation, whether it holds, and the products by which it doesn't."""
    for one in row["equations"]:
        word = {True: "ok", False: "wrong", None: "unknown"}[one["ok"]]
        say(f"{word:<7}  {one['equation']}: {one['says']}", BAD if one["ok"] is False else None)
        ids = one["source_ids"]
        if ids:
            more = one["products"] - len(ids)
            say(f"         {', '.join(map(cell, ids))}{f' and {more:,} more' if more else ''}")
    wrong = sum(one["ok"] is False for one in row["equations"])
    told = "the receipt holds" if row["ok"] else f"{wrong} of {len(row['equations'])} equations fail"
    if row["published_at"] is None and row["ok"]:
        told = "it published nothing, and nothing was written"
    say(f"sync {row['sync_log_id']} ({row['status']}): {told}", f"bold {GOOD if row['ok'] else BAD}")
