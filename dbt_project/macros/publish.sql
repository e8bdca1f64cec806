{# The publish (DESIGN.md, One sync, step 4): one transaction that writes a change set into `products`.

   dbt's own materializations may create, replace, alter or widen their target. `products` is the app's: this one
   reads its columns and writes rows, nothing else. Each failing statement rolls everything back. #}
{% materialization publish, default -%}
    {%- set sync = "'" ~ var('sync_log_id') ~ "'" -%}
    {%- set source_name = "'" ~ var('source') ~ "'" -%}
    {%- set types = product_types() -%}
    {%- set state = source('guidelight', 'product_sync_state') -%}
    {%- set products = source('guidelight', 'products') -%}

    {%- call statement('session') -%}{{ publish_session() }}{%- endcall -%}
    {%- call statement('fence') -%}{{ publish_fence() }}{%- endcall -%}
    {%- call statement('proof') -%}{{ publish_proof() }}{%- endcall -%}
    {%- call statement('change_set') -%}
        create temporary table guidelight_changes {{ 'on commit drop' if target.type == 'postgres' }} as (
            {{ sql }}
        )
    {%- endcall -%}
    {%- if var('expect') is not none -%}
        {%- call statement('expected') -%}{{ publish_expected(products) }}{%- endcall -%}
    {%- endif -%}
    {%- call statement('before') -%}
        create temporary table guidelight_before {{ 'on commit drop' if target.type == 'postgres' }} as (
            select
                count(*) as products,
                coalesce(sum(case when is_active then 1 else 0 end), 0) as active,
                now() as written_at
            from {{ products }}
            where source = {{ source_name }} and source_id is not null
        )
    {%- endcall -%}
    {#- New rows last: the statistics know nothing of them. Where somebody had emptied `products`, Postgres expected none
        there, and looked through the whole change set for each of 100,000, though there was nothing to update. -#}
    {%- call statement('update_products') -%}{{ publish_update(products, types) }}{%- endcall -%}
    {%- call statement('absent_products') -%}{{ publish_absent(products) }}{%- endcall -%}
    {%- call statement('insert_products') -%}{{ publish_insert(products, types) }}{%- endcall -%}
    {%- call statement('changes') -%}
        insert into {{ source('guidelight', 'product_changes') }}
            (sync_log_id, integration_id, source, source_id, change, cause, fields, changed_at)
        select {{ sync }}, '{{ var('integration_id') }}', {{ source_name }}, source_id, change, cause, cast(fields as jsonb), now()
        from guidelight_changes
        where change is not null
    {%- endcall -%}
    {%- call statement('state') -%}{{ publish_state(state) }}{%- endcall -%}
    {%- call statement('receipt') -%}{{ publish_receipt(products, types) }}{%- endcall -%}
    {%- call statement('balance') -%}{{ publish_balance() }}{%- endcall -%}
    {%- call statement('main') -%}{{ publish_log() }}{%- endcall -%}
    {%- call statement('complete') -%}{{ publish_complete() }}{%- endcall -%}
    {%- call statement('drop') -%}
        drop table guidelight_changes; drop table guidelight_before; drop table guidelight_receipt
    {%- endcall -%}

    {%- do adapter.commit() -%}
    {{ return({'relations': [this]}) }}
{%- endmaterialization %}

{# A statement that fails with a sentence of ours unless the condition holds: the text can't be cast to a number. #}
{% macro require(condition, message) -%}
    select cast(case when {{ condition }} then '0' else {{ message }} end as integer)
{%- endmacro %}

{# Readers are not held up by the lock. A function of the owner's takes it, for guidelight_sync too
   (sql/0009_sync_role.postgres.sql). #}
{% macro publish_session() -%}
    {{ return(adapter.dispatch('publish_session', 'guidelight')()) }}
{%- endmacro %}

{% macro default__publish_session() -%}
    {{ change_set_session() }};
    set local lock_timeout = '30s';
    select marts.lock_products()
{%- endmacro %}

{# The file is ours alone while it is open for writing. #}
{% macro duckdb__publish_session() -%}
    {{ change_set_session() }}
{%- endmacro %}

{% macro publish_fence() -%}
    {{ return(adapter.dispatch('publish_fence', 'guidelight')()) }}
{%- endmacro %}

{# Key share on the turn: a heartbeat passes, a takeover waits until this publish is decided. #}
{% macro default__publish_fence() -%}
    select 1 from {{ source('guidelight', 'sync_turns') }}
    where source = '{{ var('source') }}' for key share;
    select 1 from {{ source('guidelight', 'sync_logs') }} where id = '{{ var('sync_log_id') }}' for no key update;
    {{ publish_fence_condition() }}
{%- endmacro %}

{% macro duckdb__publish_fence() -%}
    {{ publish_fence_condition() }}
{%- endmacro %}

{% macro publish_fence_condition() -%}
    {{ require(
        "exists (select 1 from " ~ source('guidelight', 'sync_turns') ~ " as turn inner join " ~ source('guidelight', 'sync_logs')
        ~ " as log on log.id = turn.sync_log_id where turn.source = '" ~ var('source') ~ "' and log.id = '" ~ var('sync_log_id')
        ~ "' and log.status = 'running' and log.published_at is null)",
        "'guidelight: this sync no longer has the turn of its source'"
    ) }}
{%- endmacro %}

{# Everything that was extracted is in staging, each sighting with its payload: dlt's word alone is no proof. #}
{% macro publish_proof() -%}
    with sightings as (
        select content_hash from {{ source(var('source'), 'sightings') }} where sync_log_id = '{{ var('sync_log_id') }}'
    ),

    loaded as (
        select
            count(*) as sightings,
            count(payloads.content_hash) as payloads,
            coalesce(sum({{ hash_number('sightings.content_hash') }}), 0) as digest
        from sightings
        left join {{ source(var('source'), 'payloads') }} as payloads on payloads.content_hash = sightings.content_hash
    ),

    refused as (
        select count(*) as records
        from {{ source(var('source'), 'rejected_records') }} where sync_log_id = '{{ var('sync_log_id') }}'
    )

    {{ require(
        'loaded.sightings = ' ~ var('sightings') ~ ' and loaded.payloads = ' ~ var('sightings')
        ~ ' and loaded.digest = ' ~ var('sightings_digest') ~ ' and refused.records = ' ~ var('rejected'),
        "'guidelight: the load is not whole: of " ~ var('sightings') ~ " sightings ' || loaded.sightings || ' are in staging, ' || loaded.payloads || ' with their payload; of "
        ~ var('rejected') ~ " rejected records ' || refused.records"
    ) }}
    from loaded
    cross join refused
{%- endmacro %}

{% macro publish_insert(products, types) -%}
    insert into {{ products }} (
        {{ 'id,' if types.get('id') | lower == 'uuid' }}
        source, source_id, {{ mapped_columns() | join(', ') }}, source_data, last_synced_at, updated_at
    )
    select
        {{ 'gen_random_uuid(),' if types.get('id') | lower == 'uuid' }}
        '{{ var('source') }}', changes.source_id,
        {%- for column in mapped_columns() %}
        {{ as_product_column('changes', column, types) }},
        {%- endfor %}
        payloads.payload, now(), now()
    from guidelight_changes as changes
    inner join {{ source(var('source'), 'payloads') }} as payloads on payloads.content_hash = changes.content_hash
    where changes.change = 'created'
{%- endmacro %}

{% macro publish_update(products, types) -%}
    update {{ products }} as product
    set
        {%- for column in mapped_columns() %}
        {%- if may_keep() %}
        {{ column }} = case
            when changes.{{ column }}_kept then product.{{ column }} else {{ as_product_column('changes', column, types) }}
        end,
        {%- else %}
        {{ column }} = {{ as_product_column('changes', column, types) }},
        {%- endif %}
        {%- endfor %}
        source_data = payloads.payload,
        last_synced_at = now(),
        updated_at = now()
    from guidelight_changes as changes
    inner join {{ source(var('source'), 'payloads') }} as payloads on payloads.content_hash = changes.content_hash
    where changes.change = 'updated'
      and product.source = '{{ var('source') }}'
      and product.source_id = changes.source_id
{%- endmacro %}

{% macro publish_absent(products) -%}
    update {{ products }} as product
    set is_active = false, in_stock = false, last_synced_at = now(), updated_at = now()
    from guidelight_changes as changes
    where changes.change = 'absent'
      and product.source = '{{ var('source') }}'
      and product.source_id = changes.source_id
{%- endmacro %}

{% macro publish_state(state) -%}
    update {{ state }} as state
    set
        absent_since = now(),
        updated_at = now(),
        written = {{ json_merged('state.written', 'cast(changes.written as jsonb)') }}
    from guidelight_changes as changes
    where changes.change = 'absent'
      and state.source = '{{ var('source') }}'
      and state.source_id = changes.source_id;

    insert into {{ state }} (
        source, source_id, integration_id, content_hash, mapping_version, {{ mapped_columns() | join(', ') }},
        warnings, written, absent_since, updated_at
    )
    select
        '{{ var('source') }}', source_id, '{{ var('integration_id') }}', content_hash, {{ quoted(var('mapping_version')) }},
        {{ mapped_columns() | join(', ') }}, warnings, cast(written as jsonb), null, now()
    from guidelight_changes
    where writes_state
    on conflict (source, source_id) do update set
        integration_id = excluded.integration_id,
        content_hash = excluded.content_hash,
        mapping_version = excluded.mapping_version,
        {%- for column in mapped_columns() %}
        {{ column }} = excluded.{{ column }},
        {%- endfor %}
        warnings = excluded.warnings,
        written = excluded.written,
        absent_since = null,
        updated_at = excluded.updated_at
{%- endmacro %}
