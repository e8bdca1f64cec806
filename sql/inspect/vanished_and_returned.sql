-- Which products vanished from the shop's listing, and which of them returned?
-- One row a disappearance, newest first. Null in returned_at: it is still gone.
with absences as (
    select
        source,
        source_id,
        changed_at,
        lead(changed_at) over (partition by source, source_id order by changed_at) as next_absence_at
    from product_changes
    where change = 'absent'
),

returns as (
    select
        source,
        source_id,
        changed_at
    from product_changes
    where cause = 'return'
)

select
    products.name,
    absences.source_id,
    absences.changed_at as vanished_at,
    min(returns.changed_at) as returned_at
from absences
inner join marts.products as products on products.source = absences.source and products.source_id = absences.source_id
left join returns
    on
        returns.source = absences.source
        and returns.source_id = absences.source_id
        and returns.changed_at > absences.changed_at
        and (absences.next_absence_at is null or returns.changed_at < absences.next_absence_at)
group by absences.source, absences.source_id, absences.changed_at, products.name
order by absences.changed_at desc, products.name asc, absences.source_id asc
