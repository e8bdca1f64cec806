-- What the contents of this sync map to, where product_sync_state doesn't hold it already.
with sightings as (
    select * from {{ source('treez', 'sightings') }}
),

payloads as (
    select * from {{ source('treez', 'payloads') }}
),

state as (
    select * from {{ source('guidelight', 'product_sync_state') }}
),

known as (
    select
        source_id,
        content_hash
    from state
    where source = 'treez' and mapping_version = {{ quoted(var('mapping_version')) }}
),

unmapped as (
    select
        sightings.source_id,
        sightings.content_hash,
        {{ json_unpacked('payloads.payload') }} as payload
    from sightings
    inner join payloads on payloads.content_hash = sightings.content_hash
    left join known
        on known.source_id = sightings.source_id and known.content_hash = sightings.content_hash
    where
        sightings.sync_log_id = '{{ var('sync_log_id') }}'
        and known.source_id is null
    {{ evaluated_once() }}
),

{{ treez_mapping('unmapped') }}

select
    source_id,
    content_hash,
    {%- for column in mapped_columns() %}
    {{ column }},
    {%- endfor %}
    warnings
from mapped
