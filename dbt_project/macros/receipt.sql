{# The receipt (DESIGN.md, Counts): the equations of a sync, from the tables, in the transaction that publishes it. #}

{% macro publish_receipt(products, types) -%}
    create temporary table guidelight_receipt {{ 'on commit drop' if target.type == 'postgres' }} as (
        with changes as (
            select
                coalesce(sum(case when change = 'created' then 1 else 0 end), 0) as created,
                coalesce(sum(case when change = 'updated' then 1 else 0 end), 0) as updated,
                coalesce(sum(case when change = 'absent' then 1 else 0 end), 0) as absent,
                coalesce(sum(case when creates_active then 1 else 0 end), 0) as created_active,
                coalesce(sum(case when reactivates then 1 else 0 end), 0) as reactivated,
                coalesce(sum(case when deactivates then 1 else 0 end), 0) as deactivated,
                coalesce(sum(case when leaves_active then 1 else 0 end), 0) as absent_active
            from guidelight_changes
        ),

        after as (
            select
                count(product.source_id) as products,
                coalesce(sum(case when product.is_active then 1 else 0 end), 0) as active,
                coalesce(sum(case when product.last_synced_at = cast(guidelight_before.written_at as {{ types.get('last_synced_at', 'timestamptz') }}) then 1 else 0 end), 0) as rows_written
            from guidelight_before
            left join {{ products }} as product
                on product.source = '{{ var('source') }}' and product.source_id is not null
        ),

        held as (
            select count(*) as held_back
            from {{ products }} as product
            where product.source = '{{ var('source') }}'
              and product.source_id is not null
              and {{ unlisted('product') }}
        ),

        history as (
            select count(*) as rows_of_history
            from {{ source('guidelight', 'product_changes') }} where sync_log_id = '{{ var('sync_log_id') }}'
        )

        select
            {{ var('sightings') }} + {{ var('rejected') }} as fetched,
            changes.created,
            changes.updated,
            {{ var('sightings') }} - changes.created - changes.updated as unchanged,
            {{ var('rejected') }} as rejected,
            changes.absent,
            changes.created_active,
            changes.reactivated,
            changes.deactivated,
            changes.absent_active,
            held.held_back,
            guidelight_before.products as products_before,
            after.products as products_after,
            guidelight_before.active as active_before,
            after.active as active_after,
            after.rows_written,
            history.rows_of_history
        from changes
        cross join guidelight_before
        cross join after
        cross join held
        cross join history
    )
{%- endmacro %}

{% macro publish_balance() -%}
    {%- set equations = [
        'unchanged >= 0',
        'fetched = created + updated + unchanged + rejected',
        'rows_of_history = created + updated + absent',
        'rows_written = created + updated + absent',
        'products_after = products_before + created',
        'active_after = active_before + created_active + reactivated - deactivated - absent_active',
    ] -%}
    {%- for equation in equations %}
    {{ require(equation, "'guidelight: the receipt does not balance: " ~ equation ~ " in ' || replace(cast(to_json(receipt) as varchar), '\"', '')") }} from guidelight_receipt as receipt;
    {%- endfor %}
    {{ require(
        'count(*) = 1', "'guidelight: there is no receipt'"
    ) }} from guidelight_receipt
{%- endmacro %}

{# The lists of `summary`: {name: [condition on the change set, how many that are]}. #}
{% macro publish_lists() -%}
    {{ return({
        'new_products': ["change = 'created'", 'receipt.created'],
        'updated': ["change = 'updated'", 'receipt.updated'],
        'deactivated': ['deactivates', 'receipt.deactivated'],
        'absent': ["change = 'absent'", 'receipt.absent'],
        'reactivated': ['reactivates', 'receipt.reactivated'],
        'edits_kept': ['keeps_edit', '(select count(*) from guidelight_changes where keeps_edit)'],
    }) }}
{%- endmacro %}

{# `summary` as json text: at most 1,000 source_ids a list, the true totals beside them, and the receipt. A list that
   is known to be empty isn't looked for. #}
{% macro publish_summary() -%}
    '{'
    {%- for name, (condition, total) in publish_lists().items() %}
    || '"{{ name }}":[' || case when {{ total }} > 0 then (
        select string_agg({{ as_json_text('listed.source_id') }}, ',' order by listed.source_id)
        from (
            select source_id from guidelight_changes where {{ condition }} order by source_id limit 1000
        ) as listed
    ) else '' end || '],'
    {%- endfor %}
    || '"totals":{'
    {%- for name, (condition, total) in publish_lists().items() %}
    || '"{{ name }}":' || {{ total }} || '{{ ',' if not loop.last }}'
    {%- endfor %}
    || '},"receipt":' || cast(to_json(receipt) as varchar) || '}'
{%- endmacro %}

{% macro publish_log() -%}
    update {{ source('guidelight', 'sync_logs') }}
    set
        products_fetched = receipt.fetched,
        products_created = receipt.created,
        products_updated = receipt.updated,
        products_unchanged = receipt.unchanged,
        errors_count = {{ var('errors') }} + case when receipt.held_back > 0 then 1 else 0 end,
        listing_complete = {{ 'true' if var('listing_complete') else 'false' }},
        published_at = now(),
        summary = cast({{ publish_summary() }} as jsonb)
    from guidelight_receipt as receipt
    where sync_logs.id = '{{ var('sync_log_id') }}'
{%- endmacro %}

{# The newest sync that confirmed every active product of the source: not one whose guard kept some unconfirmed
   (DESIGN.md, What changed). #}
{% macro publish_complete() -%}
    update {{ source('guidelight', 'integrations') }}
    set last_complete_sync_at = log.started_at
    from {{ source('guidelight', 'sync_logs') }} as log
    where log.id = '{{ var('sync_log_id') }}'
      and log.scope = 'full'
      and integrations.id = log.integration_id
      and {{ 'true' if var('listing_complete') else 'false' }}
      and (select held_back from guidelight_receipt) = 0
{%- endmacro %}
