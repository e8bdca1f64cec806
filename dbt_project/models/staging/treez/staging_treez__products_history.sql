{{ config(alias='products_history') }}

-- Every product of every sync that staging keeps, as it was received: what `products` shows of the newest one.
with logs as (
    select * from {{ source('guidelight', 'sync_logs') }}
),

sightings as (
    select * from {{ source('treez', 'sightings') }}
),

payloads as (
    select * from {{ source('treez', 'payloads') }}
)

-- A sync without a log (a plan that is being made) is shown too: nothing that was received is hidden.
select
    sightings.source_id,
    sightings.sync_log_id,
    sightings.integration_id,
    logs.started_at,
    logs.published_at,
    logs.scope,
    sightings.content_hash,
    sightings.page,
    sightings.extracted_at,
    payloads.payload
from sightings
inner join payloads on payloads.content_hash = sightings.content_hash
left join logs on logs.id = sightings.sync_log_id
