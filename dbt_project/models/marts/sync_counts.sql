-- What each sync did, in numbers: sync_logs without the texts that may quote what the source sent.
with logs as (
    select * from {{ source('guidelight', 'sync_logs') }}
),

integrations as (
    select * from {{ source('guidelight', 'integrations') }}
)

select
    logs.id as sync_log_id,
    logs.integration_id,
    integrations.type as source,
    logs.sync_type,
    logs.scope,
    logs.status,
    logs.started_at,
    logs.published_at,
    logs.completed_at,
    logs.duration_ms,
    logs.listing_complete,
    logs.products_fetched,
    logs.products_created,
    logs.products_updated,
    logs.products_unchanged,
    logs.errors_count,
    logs.release
from logs
inner join integrations on integrations.id = logs.integration_id
