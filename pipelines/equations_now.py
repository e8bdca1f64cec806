"""The equations between a source's newest published sync and what `products` holds now; a later sync changes both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pipelines.equations import Case, Equation

_NAMES = (
    "products now = products after",
    "active now = active after",
    "the content last seen = the content of this sync",
    "source_data = the content last seen",
    "each active product was seen",
)


def equations_now(case: Case) -> list[Equation]:
    """Those of the newest published sync of its source. What people changed in `products` since is said, no failure."""
    standing = _standing(case)
    return [_products(case, standing), _active(case, standing), _state(case), _source_data(case), _confirmed(case)]


def equations_past() -> list[Equation]:
    """The same of an older sync."""
    says = "a later sync was published: only of the newest one can this be recomputed"
    return [Equation(name, None, says) for name in _NAMES]


@dataclass(frozen=True, slots=True)
class Standing:
    """A product as it is now, beside how the syncs left it; `was_active` None: no sync has seen it yet.

    `is_certain`: this sync wrote or compared the row, so that a difference came after it. Else it may have come before,
    and stands in the receipt already.
    """

    source_id: str
    is_there: bool
    is_active: bool
    was_active: bool | None
    is_certain: bool

    @property
    def is_moved(self) -> bool:
        """Whether somebody switched, deleted or added it."""
        return not self.is_there or self.was_active is None or self.is_active != self.was_active

    @property
    def step(self) -> int:
        """What it adds to the active products; of one that may have been otherwise, what that would add."""
        was = not self.is_active if self.was_active is None or not self.is_moved else self.was_active
        return int(self.is_active) - int(was)


_STANDING = """
    with left_as as (
        select
            state.source_id,
            state.absent_since is null and coalesce(state.is_active, false) as is_active,
            sighting.source_id is not null or gone.source_id is not null as is_judged
        from product_sync_state as state
        left join {staging}.sightings as sighting
            on sighting.sync_log_id = $id and sighting.source_id = state.source_id
        left join product_changes as gone
            on gone.sync_log_id = $id and gone.source_id = state.source_id and gone.change = 'absent'
        where state.source = $source
    ),

    now_is as (
        select source_id, coalesce(is_active, false) as is_active
        from products
        where source = $source and source_id is not null
    )

    select
        coalesce(left_as.source_id, now_is.source_id) as source_id, now_is.source_id is not null as is_there,
        coalesce(now_is.is_active, false) as is_active, left_as.is_active as was_active,
        coalesce(left_as.is_judged, false) as is_judged
    from left_as
    full join now_is on now_is.source_id = left_as.source_id
    where $every or left_as.is_active is distinct from now_is.is_active or not coalesce(left_as.is_judged, false)
    order by 1
"""


def _standing(case: Case) -> list[Standing]:
    """Every product that isn't as this sync is known to have left it."""
    summary = case.log.summary or {}
    kept = set(summary.get("edits_kept") or [])
    total = (summary.get("totals") or {}).get("edits_kept", 0)
    rows = case.connection.rows(
        _STANDING.replace("{staging}", f"staging_{case.source}"), id=case.log.id, source=case.source, every=total > 0
    )
    return [
        Standing(
            row["source_id"], row["is_there"], row["is_active"], row["was_active"],
            # Where more edits were kept than the list names, each product may be one of them.
            is_certain=row["is_judged"] and row["source_id"] not in kept and total <= len(kept),
        )
        for row in rows
    ]  # fmt: skip


def _within(difference: int, steps: Sequence[tuple[int, bool]]) -> bool:
    """Whether steps explain a difference: all of the certain ones, and any of the others."""
    certain = sum(step for step, is_certain in steps if is_certain)
    others = [step for step, is_certain in steps if not is_certain]
    fewest = certain + sum(step for step in others if step < 0)
    most = certain + sum(step for step in others if step > 0)
    return fewest <= difference <= most


def _products(case: Case, standing: Sequence[Standing]) -> Equation:
    count = case.connection.value(
        "select count(*) as n from products where source = $source and source_id is not null", source=case.source
    )
    after = case.receipt.get("products_after", 0)
    others = [one for one in standing if not one.is_there or one.was_active is None]
    steps = [(1 if one.is_there else -1, one.is_certain) for one in others]
    says = f"{count:,} now, {after:,} after" + _since(others, "was deleted or added", "were deleted or added")
    return Equation(_NAMES[0], _within(count - after, steps), says, [one.source_id for one in others])


def _active(case: Case, standing: Sequence[Standing]) -> Equation:
    count = case.connection.value(
        "select count(*) as n from products where source = $source and source_id is not null and is_active",
        source=case.source,
    )
    after = case.receipt.get("active_after", 0)
    moved = [one for one in standing if one.is_moved]
    others = [one for one in moved if one.was_active is not None and one.step]
    steps = [(one.step, one.is_certain) for one in moved]
    says = f"{count:,} now, {after:,} after" + _since(others, "was switched", "were switched")
    ok: bool | None = _within(count - after, steps)
    if not ok and _within(
        count - after, [(one.step, one.is_certain) for one in standing if one.is_moved or not one.is_certain]
    ):
        # Edited before this sync, which let it stand, and back after it.
        ok, says = None, f"{says}; products that this sync did not decide on may have been switched there and back"
    return Equation(_NAMES[1], ok, says, [one.source_id for one in others])


def _since(others: Sequence[Standing], one: str, several: str) -> str:
    if not others:
        return ""
    return f"; {len(others):,} {one if len(others) == 1 else several} by somebody, not by a sync"


def _state(case: Case) -> Equation:
    wrong = case.ids(
        "select sighting.source_id from {staging}.sightings as sighting "
        "left join product_sync_state as state on state.source = $source and state.source_id = sighting.source_id "
        "where sighting.sync_log_id = $id and state.content_hash is distinct from sighting.content_hash"
    )
    return Equation(_NAMES[2], not wrong, f"{case.sightings - len(wrong):,} of {case.sightings:,}", wrong)


def _source_data(case: Case) -> Equation:
    """Of the products that this sync saw: an edit in the row of another stands until a sync sees that one again."""
    data = "cast(product.source_data as {type})".format(type="jsonb" if case.connection.is_postgres else "varchar")
    payload = data.replace("product.source_data", "payload.payload")
    wrong, unseen = (
        case.ids(
            "select product.source_id from products as product "
            "inner join product_sync_state as state on state.source = $source and state.source_id = product.source_id "
            "inner join {staging}.payloads as payload on payload.content_hash = state.content_hash "
            f"where product.source = $source and {data} is distinct from {payload} and {which} "
            "(select source_id from {staging}.sightings where sync_log_id = $id)"
        )
        for which in ("product.source_id in", "product.source_id not in")
    )
    says = "the record as received stands in each row" if not wrong else f"{len(wrong):,} rows hold another record"
    if unseen:
        says += f"; in {len(unseen):,} that this sync did not see it was changed by somebody, not by a sync"
    return Equation(_NAMES[3], not wrong, says, wrong or unseen)


def _confirmed(case: Case) -> Equation:
    if not case.log.listing_complete or case.receipt.get("held_back"):
        return Equation(_NAMES[4], None, "the listing was not complete, or its absences were held back")
    lacking = case.ids(
        "select product.source_id from products as product "
        "inner join product_sync_state as state on state.source = $source and state.source_id = product.source_id "
        "where product.source = $source and product.is_active and state.is_active and state.absent_since is null "
        "and not exists (select 1 from {staging}.sightings as sighting "
        "where sighting.sync_log_id = $id and sighting.source_id = product.source_id) "
        "and not exists (select 1 from {staging}.rejected_records as refused "
        "where refused.sync_log_id = $id and refused.source_id = product.source_id)"
    )
    says = "all were, or rejected" if not lacking else f"{len(lacking):,} were not, though the listing is complete"
    return Equation(_NAMES[4], not lacking, says, lacking)
