{{ config(alias='products') }}

-- The newest published sync of the source, as it was received: what an analyst opens first.
with published as (
    select
        id,
        published_at
    from {{ source('guidelight', 'sync_logs') }}
    where published_at is not null and scope = 'full'
),

sightings as (
    select
        sync_log_id,
        integration_id,
        source_id,
        content_hash,
        page,
        extracted_at
    from {{ source('treez', 'sightings') }}
),

payloads as (
    select
        content_hash,
        payload
    from {{ source('treez', 'payloads') }}
),

newest as (
    select published.id
    from published
    where published.id in (select sightings.sync_log_id from sightings)
    order by published.published_at desc
    limit 1
)

select
    sightings.source_id,
    sightings.sync_log_id,
    sightings.integration_id,
    sightings.content_hash,
    sightings.page,
    sightings.extracted_at,
    payloads.payload
from sightings
inner join newest on newest.id = sightings.sync_log_id
inner join payloads on payloads.content_hash = sightings.content_hash
