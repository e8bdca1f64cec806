{{ config(materialized='publish', schema=none) }}
{%- set types = product_types() -%}
{%- set sync = "'" ~ var('sync_log_id') ~ "'" -%}

-- The change set of one sync: a row for each product that `products` or product_sync_state must be written for.
-- It reads `products` as a source, the state before; the materialization writes the state after.
-- Column by column, for guidelight_sync may read no other: an adopted table's are the app's.
with products as (
    select
        product.source,
        product.source_id,
        {{- mapped_columns_of('product') }}
        product.source_data
    from {{ source('guidelight', 'products') }} as product
),

sightings as (
    select
        source_id,
        content_hash
    from {{ source(var('source'), 'sightings') }}
    where sync_log_id = {{ sync }}
),

rejected as (
    select distinct source_id
    from {{ source(var('source'), 'rejected_records') }}
    where sync_log_id = {{ sync }} and source_id is not null
),

mapped as (
    {%- for name in var('sources') %}
    select
        source_mapped.source_id,
        source_mapped.content_hash,
        {{- mapped_columns_of('source_mapped') }}
        source_mapped.warnings
    from {{ mapped_by(name) }} as source_mapped
    {{ 'union all' if not loop.last }}
    {%- endfor %}
),

last_seen as (
    select
        state.source_id,
        state.content_hash,
        state.mapping_version,
        state.absent_since,
        {{- mapped_columns_of('state') }}
        state.written,
        state.warnings
    from {{ source('guidelight', 'product_sync_state') }} as state
    where state.source = '{{ var('source') }}'
),

present as (
    select
        products.source_id,
        {{- mapped_columns_of('products') }}
        products.source_data is null as lacks_source_data
    from products
    where products.source = '{{ var('source') }}' and products.source_id is not null
),

-- To look through the settled is most of a usual sync. Over the tables, Postgres's processes share it; CTEs named
-- twice would be kept first, in files. The id alone joins them, and each table has an index for it: whatever is
-- expected of how many rows, no plan is a bad one. The content is compared.
unsettled as (
    select
        known.source_id,
        known.content_hash,
        {{- mapped_columns_of('known') }}
        known.warnings
    from {{ source(var('source'), 'sightings') }} as sighting
    inner join {{ source('guidelight', 'product_sync_state') }} as known
        on known.source = '{{ var('source') }}' and known.source_id = sighting.source_id
    left join {{ source('guidelight', 'products') }} as shown
        on shown.source = '{{ var('source') }}' and shown.source_id = sighting.source_id
    where
        sighting.sync_log_id = {{ sync }}
        and known.content_hash is not distinct from sighting.content_hash
        and known.mapping_version = {{ quoted(var('mapping_version')) }}
        and not {{ is_settled('known', 'shown', types) }}
),

incoming as (
    select
        mapped.source_id,
        mapped.content_hash,
        true as is_mapped_now,
        {{- mapped_columns_of('mapped') }}
        mapped.warnings
    from mapped
    union all
    select
        unsettled.source_id,
        unsettled.content_hash,
        false as is_mapped_now,
        {{- mapped_columns_of('unsettled') }}
        unsettled.warnings
    from unsettled
),

going as (
    select
        present.source_id,
        coalesce(present.is_active, false) as was_active
    from present
    left join sightings on sightings.source_id = present.source_id
    left join rejected on rejected.source_id = present.source_id
    where
        {{ 'true' if var('listing_complete') else 'false' }}
        and (coalesce(present.is_active, false) or coalesce(present.in_stock, false))
        and sightings.source_id is null
        and rejected.source_id is null
),

active as (
    select count(*) as products
    from present
    where is_active
),

guard as (
    select
        active.products as active_products,
        count(going.source_id) as going_active,
        {{ 'false' if var('allow_mass_deactivation') else 'true' }}
        and count(going.source_id) > 0
        and (
            count(going.source_id) = active.products
            or (
                active.products >= 10
                and count(going.source_id) * 100 > active.products * {{ var('max_deactivation_percent') }}
            )
        ) as holds_back
    from active
    left join going on going.was_active
    group by active.products
),

compared as (
    select
        incoming.source_id,
        incoming.content_hash,
        incoming.is_mapped_now,
        {{- mapped_columns_of('incoming') }}
        incoming.warnings,
        present.source_id is null as is_new,
        last_seen.source_id is not null as is_known,
        last_seen.absent_since is not null as was_absent,
        last_seen.content_hash as old_content_hash,
        (last_seen.content_hash is distinct from incoming.content_hash) as has_new_content,
        (last_seen.mapping_version is distinct from {{ quoted(var('mapping_version')) }})
        and (
            {%- for column in mapped_columns() %}
            {{ 'or ' if not loop.first }}incoming.{{ column }} is distinct from last_seen.{{ column }}
            {%- endfor %}
        ) as has_new_mapping,
        coalesce(present.lacks_source_data, true)
        or (last_seen.content_hash is distinct from incoming.content_hash) as writes_source_data,
        {%- for column in mapped_columns() %}
        present.source_id is not null and {{ differs('incoming', 'present', column, types) }} as {{ column }}_differs,
        {{ as_json_text('present.' ~ column) }} as {{ column }}_before,
        {{ is_edited(column, types) }} as {{ column }}_edited,
        {%- if may_keep() %}
        {{ last_written(column, types) }} as {{ column }}_written,
        {%- endif %}
        {%- endfor %}
        last_seen.written,
        present.is_active as was_active,
        {{ as_product_column('incoming', 'is_active', types) }} as active_at_source
    from incoming
    left join present on present.source_id = incoming.source_id
    left join last_seen on last_seen.source_id = incoming.source_id
),

changed as (
    select
        compared.source_id,
        case
            when compared.is_new then 'created'
            when
                compared.writes_source_data
                {%- for column in mapped_columns() %}
                or {{ is_overwritten('compared', column) }}
                {%- endfor %}
                then 'updated'
        end as change,
        case when {{ is_kept('compared', 'is_active') }} then compared.was_active else compared.active_at_source end
            as becomes_active,
        {{ written_elsewhere('compared', types) }} as written,
        {{ keeps_edit('compared') }} as keeps_edit,
        {{ overwrites_edit('compared') }} as overwrites_edit
    from compared
),

written as (
    select
        compared.source_id,
        compared.content_hash,
        changed.change,
        case
            when changed.change is null then null
            when compared.was_absent then 'return'
            when compared.has_new_content then 'source'
            when compared.has_new_mapping then 'mapping'
            -- What a strategy held back earlier; unless a person deleted the row or its source_data.
            when compared.written is not null and not changed.overwrites_edit and not compared.writes_source_data
                then 'source'
            else 'edit overwritten'
        end as cause,
        case when changed.change is not null then {{ changed_fields('compared', types) }} end as fields,
        {%- if var('digests') %}
        case when changed.change is not null then {{ new_values('compared', types) }} end as new_values,
        {%- endif %}
        coalesce(changed.change = 'created' and changed.becomes_active, false) as creates_active,
        coalesce(
            changed.change = 'updated' and changed.becomes_active and not coalesce(compared.was_active, false), false
        ) as reactivates,
        coalesce(
            changed.change = 'updated' and compared.was_active and not changed.becomes_active, false
        ) as deactivates,
        false as leaves_active,
        compared.is_mapped_now
        or not compared.is_known
        or compared.was_absent
        or (
            {{ comparable('cast(changed.written as jsonb)', 'jsonb') }}
            is distinct from {{ comparable('compared.written', 'jsonb') }}
        ) as writes_state,
        changed.written,
        changed.keeps_edit,
        {%- for column in mapped_columns() %}
        {{ is_kept('compared', column) }} as {{ column }}_kept,
        {%- endfor %}
        {{- mapped_columns_of('compared') }}
        compared.warnings
    from compared
    inner join changed on changed.source_id = compared.source_id
)

select
    written.source_id,
    written.content_hash,
    written.change,
    written.cause,
    written.fields,
    {%- if var('digests') %}
    written.new_values,
    {%- endif %}
    written.creates_active,
    written.reactivates,
    written.deactivates,
    written.leaves_active,
    written.writes_state,
    written.written,
    written.keeps_edit,
    {%- for column in mapped_columns() %}
    written.{{ column }}_kept,
    {%- endfor %}
    {{- mapped_columns_of('written') }}
    written.warnings
from written
where written.change is not null or written.writes_state or written.keeps_edit
union all
select
    going.source_id,
    null as content_hash,
    'absent' as change,
    'absence' as cause,
    '{' || concat_ws(
        ','
        {%- for column in ['is_active', 'in_stock'] %},
        case
            when present.{{ column }} is distinct from false
                then '"{{ column }}":{"old":' || {{ as_json_text('present.' ~ column) }} || ',"new":false}'
        end
        {%- endfor %}
    ) || '}' as fields,
    {%- if var('digests') %}
    {{ absent_values('present') }} as new_values,
    {%- endif %}
    false as creates_active,
    false as reactivates,
    false as deactivates,
    going.was_active as leaves_active,
    false as writes_state,
    {{ absent_values('present') }} as written,
    false as keeps_edit,
    {%- for column in mapped_columns() %}
    false as {{ column }}_kept,
    {%- endfor %}
    {%- for column in mapped_columns() %}
    null as {{ column }},
    {%- endfor %}
    null as warnings
from going
inner join present on present.source_id = going.source_id
inner join guard on not guard.holds_back
