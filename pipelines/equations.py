"""The equations of a published sync (DESIGN.md, Counts), each recomputed from product_changes and staging."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from models.sync import Status, SyncLog
from pipelines.database import Connection

IDS_SHOWN = 20
_LIST_KEPT = 1000
"""The most source_ids that a list of `summary` holds."""

_WAS, _BECOMES = "(fields -> 'is_active' ->> 'old')", "(fields -> 'is_active' ->> 'new')"

KINDS = {
    "created": "change = 'created'",
    "updated": "change = 'updated'",
    "absent": "change = 'absent'",
    "created_active": f"change = 'created' and {_BECOMES} = 'true'",
    "reactivated": f"change = 'updated' and {_BECOMES} = 'true'",
    "deactivated": f"change = 'updated' and {_WAS} = 'true' and {_BECOMES} = 'false'",
    "absent_active": f"change = 'absent' and {_WAS} = 'true'",
}
"""Each number of the receipt that product_changes tells too, by a condition on its rows."""

_LISTS = {"created": "new_products"} | {name: name for name in ("updated", "absent", "reactivated", "deactivated")}
"""The list of `summary` that names the products of a kind."""


@dataclass(frozen=True, slots=True)
class Equation:
    """One thing that must hold. `ok` None: it can no longer be recomputed, and `says` why.

    `source_ids`: the products by which it fails, or which were edited since.
    """

    equation: str
    ok: bool | None
    says: str
    source_ids: Sequence[str] = ()

    def as_json(self) -> dict[str, Any]:
        """The first IDS_SHOWN source_ids, and as `products` their true number."""
        return {
            "equation": self.equation,
            "ok": self.ok,
            "says": self.says,
            "source_ids": list(self.source_ids[:IDS_SHOWN]),
            "products": len(self.source_ids),
        }


@dataclass(frozen=True, slots=True)
class Case:
    """The sync in question: its log, its receipt, and what product_changes and staging hold of it.

    `is_pruned`: retention has let its staging go.
    """

    connection: Connection
    log: SyncLog
    source: str
    receipt: Mapping[str, int]
    counts: Mapping[str, int]
    sightings: int
    rejected: int
    is_pruned: bool

    def ids(self, sql: str) -> list[str]:
        """The source_ids that a query finds, in order; {staging} is the source's schema, $id the sync, $source it."""
        text = f"select source_id from ({sql.replace('{staging}', f'staging_{self.source}')}) as found"
        wanted = {"id": self.log.id, "source": self.source}
        given = {name: value for name, value in wanted.items() if f"${name}" in text}
        return sorted(row["source_id"] for row in self.connection.rows(text, **given))

    def differing(self, tables: Mapping[str, int]) -> str:
        """What the receipt says otherwise than the tables, as words; empty where nothing does."""
        return ", ".join(
            f"{name} is {count:,} by the tables and {self.receipt.get(name)} by the receipt"
            for name, count in tables.items()
            if self.receipt.get(name) != count
        )

    @property
    def pruned(self) -> str:
        return "staging no longer keeps this sync, so its records can't be counted again"


def equations(case: Case) -> list[Equation]:
    """Every equation of a published sync that later syncs leave as it is."""
    return [_log(case), _fetched(case), _history(case), _rejected(case), _payloads(case), _listed(case),
            _products(case), _active(case), _verdict(case)]  # fmt: skip


def _log(case: Case) -> Equation:
    log = case.log
    columns = {
        "fetched": log.products_fetched,
        "created": log.products_created,
        "updated": log.products_updated,
        "unchanged": log.products_unchanged,
    }
    wrong = [
        f"products_{name} is {count:,}, the receipt says {case.receipt.get(name)}"
        for name, count in columns.items()
        if case.receipt.get(name) != count
    ]
    says = ", ".join(wrong) or ", ".join(f"{name} {count:,}" for name, count in columns.items())
    return Equation("sync_logs = receipt", not wrong, says)


def _fetched(case: Case) -> Equation:
    name = "fetched = created + updated + unchanged + rejected"
    told = [case.receipt.get(part, 0) for part in ("fetched", "created", "updated", "unchanged", "rejected")]
    says = f"{told[0]:,} = {' + '.join(f'{count:,}' for count in told[1:])}"
    if told[0] != sum(told[1:]):
        return Equation(name, False, f"not by the receipt's own numbers: {says}")
    if case.is_pruned:
        return Equation(name, None, f"{says} by the receipt's own numbers; {case.pruned}")
    changed = case.ids(
        "select source_id from {staging}.sightings where sync_log_id = $id and source_id in "
        "(select source_id from product_changes where sync_log_id = $id and change <> 'absent')"
    )
    tables = {
        "fetched": case.sightings + case.rejected,
        "created": case.counts["created"],
        "updated": case.counts["updated"],
        "unchanged": case.sightings - len(changed),
        "rejected": case.rejected,
    }
    wrong = case.differing(tables)
    return Equation(name, not wrong, wrong or says)


def _history(case: Case) -> Equation:
    kinds = ("created", "updated", "absent")
    told = {name: case.counts[name] for name in kinds}
    rows = sum(told.values())
    recorded = {"rows_of_history": rows, "rows_written": rows}
    wrong = case.differing(told | {name: count for name, count in recorded.items() if name in case.receipt})
    odd = sorted({one for name in kinds for one in _odd(case, name)})
    if odd and not wrong:
        wrong = "product_changes holds other products than summary lists"
    says = f"{rows:,} = {' + '.join(f'{count:,}' for count in told.values())}"
    return Equation("rows of history = created + updated + absent", not wrong, wrong or says, odd)


def _odd(case: Case, kind: str) -> list[str]:
    """The products that stand either in a list of `summary` or in product_changes, not in both.

    A list that is cut at its 1,000 names no product for certain.
    """
    summary = case.log.summary or {}
    listed = set(summary.get(_LISTS[kind]) or [])
    if (summary.get("totals") or {}).get(_LISTS[kind], 0) > _LIST_KEPT or case.counts[kind] > _LIST_KEPT:
        return []
    rows = case.ids(f"select source_id from product_changes where sync_log_id = $id and {KINDS[kind]}")
    return sorted(listed ^ set(rows))


def _rejected(case: Case) -> Equation:
    name = "rejected = records in rejected_records"
    if case.is_pruned:
        return Equation(name, None, case.pruned)
    wrong = case.differing({"rejected": case.rejected})
    return Equation(name, not wrong, wrong or f"{case.rejected:,}")


def _payloads(case: Case) -> Equation:
    name = "each product seen has its payload"
    if case.is_pruned:
        return Equation(name, None, case.pruned)
    lacking = case.ids(
        "select source_id from {staging}.sightings as sighting where sync_log_id = $id and not exists "
        "(select 1 from {staging}.payloads as payload where payload.content_hash = sighting.content_hash)"
    )
    return Equation(name, not lacking, f"{case.sightings - len(lacking):,} of {case.sightings:,}", lacking)


def _listed(case: Case) -> Equation:
    name = "created and updated products were listed, absent ones were not"
    if case.is_pruned:
        return Equation(name, None, case.pruned)
    wrong = case.ids(
        "select source_id from product_changes as changed where sync_log_id = $id and (change = 'absent') = "
        "(exists (select 1 from {staging}.sightings as sighting "
        "where sighting.sync_log_id = $id and sighting.source_id = changed.source_id) or "
        "(change = 'absent' and exists (select 1 from {staging}.rejected_records as refused "
        "where refused.sync_log_id = $id and refused.source_id = changed.source_id)))"
    )
    rows = sum(case.counts[kind] for kind in ("created", "updated", "absent"))
    return Equation(name, not wrong, f"{rows - len(wrong):,} of {rows:,}", wrong)


def _products(case: Case) -> Equation:
    before, after = case.receipt.get("products_before", 0), case.receipt.get("products_after", 0)
    created = case.counts["created"]
    says = f"{after:,} after, {before:,} before, {created:,} created"
    return Equation("products after = before + created", after == before + created, says)


def _active(case: Case) -> Equation:
    kinds = ("created_active", "reactivated", "deactivated", "absent_active")
    counts = {name: case.counts[name] for name in kinds}
    created, reactivated, deactivated, absent = counts.values()
    before, after = case.receipt.get("active_before", 0), case.receipt.get("active_after", 0)
    wrong = case.differing(counts)
    says = f"{after:,} after, {before:,} before + {created:,} + {reactivated:,} - {deactivated:,} - {absent:,}"
    odd = sorted({one for name in ("reactivated", "deactivated") for one in _odd(case, name)})
    ok = not wrong and not odd and after == before + created + reactivated - deactivated - absent
    return Equation(
        "active after = before + created active + reactivated - deactivated - absent",
        ok, f"{says}; {wrong}" if wrong else says, odd,
    )  # fmt: skip


def _verdict(case: Case) -> Equation:
    name = "success = no error"
    log = case.log
    if log.status == Status.RUNNING:
        return Equation(name, None, "its checks are still under way")
    counted = sum(((log.error_details or {}).get("counts") or {}).values())
    ok = (log.status == Status.SUCCESS) == (log.errors_count == 0)
    says = f"{log.status}, {log.errors_count:,} errors, of which error_details counts {counted:,}"
    return Equation(name, ok and log.status != Status.FAILED, says)
