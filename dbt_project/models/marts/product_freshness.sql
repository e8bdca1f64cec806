-- When each product of a source was last confirmed. products.last_synced_at can't say: it is the last sync that *wrote*
-- the row, and a product that never changes is never written.
with products as (
    select * from {{ source('marts', 'products') }}
),

state as (
    select * from {{ source('guidelight', 'product_sync_state') }}
),

integrations as (
    select * from {{ source('guidelight', 'integrations') }}
),

logs as (
    select * from {{ source('guidelight', 'sync_logs') }}
),

sightings as (
    {%- for name in var('sources') %}
    select
        {{ quoted(name) }} as source,
        {{ name }}_sightings.source_id,
        {{ name }}_sightings.sync_log_id
    from {{ source(name, 'sightings') }} as {{ name }}_sightings
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

rejected as (
    {%- for name in var('sources') %}
    select
        {{ quoted(name) }} as source,
        {{ name }}_rejected.source_id,
        {{ name }}_rejected.sync_log_id
    from {{ source(name, 'rejected_records') }} as {{ name }}_rejected
    where {{ name }}_rejected.source_id is not null
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

-- The newest published sync that staging keeps in which it was listed, with a record that could be used.
seen as (
    select
        sightings.source,
        sightings.source_id,
        max(logs.started_at) as last_seen_at
    from sightings
    inner join logs on logs.id = sightings.sync_log_id
    -- A replay shows again what was received before it.
    where logs.published_at is not null and logs.scope <> 'replay'
    group by sightings.source, sightings.source_id
),

complete as (
    select
        integrations.type as source,
        integrations.last_complete_sync_at,
        logs.id as sync_log_id
    from integrations
    left join logs
        on
            logs.integration_id = integrations.id
            and logs.started_at = integrations.last_complete_sync_at
            and logs.scope = 'full'
    where integrations.is_active
),

refused as (
    select distinct
        rejected.source,
        rejected.source_id
    from rejected
    inner join complete on complete.source = rejected.source and complete.sync_log_id = rejected.sync_log_id
),

judged as (
    select
        products.source,
        products.source_id,
        products.last_synced_at,
        seen.last_seen_at,
        coalesce(products.is_active, false) as is_active,
        refused.source_id is not null as is_rejected,
        -- A complete listing confirms what is active after it: what it lacked it made inactive, and what it had but
        -- could not be used was kept as it was, unconfirmed.
        case
            when products.is_active and refused.source_id is null and state.absent_since is null
                then complete.last_complete_sync_at
        end as completed_at
    from products
    left join state on state.source = products.source and state.source_id = products.source_id
    left join seen on seen.source = products.source and seen.source_id = products.source_id
    left join complete on complete.source = products.source
    left join refused on refused.source = products.source and refused.source_id = products.source_id
    where products.source in ({{ quoted_list(var('sources')) }}) and products.source_id is not null
)

select
    source,
    source_id,
    is_active,
    is_rejected,
    last_synced_at,
    -- A product may have been seen since, in a sync whose listing was not complete.
    coalesce(greatest(completed_at, last_seen_at), completed_at, last_seen_at) as last_confirmed_at
from judged
