{# The change set beside its publish: what it takes to evaluate it, and the digest by which a plan is known again. #}

{# The rows of a source's int_<source>__mapped, the model's own text as a subquery. As a mere ref dbt would insert it,
   and parse the whole change set with sqlparse to find the place: 0.3 s, half of a publish that changes nothing. In a unit
   test it is the ref, for which the test has rows; and while dbt parses, which is told of what that text refers to. #}
{% macro mapped_by(name) -%}
    {%- set model_name = 'int_' ~ name ~ '__mapped' -%}
    {%- if not execute -%}
        {%- do ref('category_map') -%}
    {%- endif -%}
    {%- if execute and model.resource_type != 'unit_test' -%}
        ({{ render(graph.nodes['model.guidelight.' ~ model_name].raw_code) }})
    {%- else -%}
        {{ ref(model_name) }}
    {%- endif -%}
{%- endmacro %}

{# What a transaction begins with in which the change set is evaluated. #}
{% macro change_set_session() -%}
    {{ return(adapter.dispatch('change_set_session', 'guidelight')()) }}
{%- endmacro %}

{# JIT alone cost seconds on a change set of some thousand rows, and tables that the last sync filled have no statistics
   yet: without them a sync of 50,000 products that changed nothing took 105 s in place of 3. Only an owner may make
   them, so a function of the owner's does (sql/0009_sync_role.postgres.sql). #}
{% macro default__change_set_session() -%}
    set local jit = off;
    set local statement_timeout = '15min';
    select {{ source(var('source'), 'sightings').schema }}.analyze_received()
{%- endmacro %}

{% macro duckdb__change_set_session() -%}
    select 1
{%- endmacro %}

{# The values that a changed product will hold, as the text of a json object: what `changed_fields` has under "new". #}
{% macro new_values(relation, types) -%}
    '{' || concat_ws(
        ',',
        {%- for column in mapped_columns() %}
        case
            when ({{ relation }}.is_new and {{ relation }}.{{ column }} is not null) or {{ is_overwritten(relation, column) }}
                then '"{{ column }}":' || {{ as_json_text(as_product_column(relation, column, types)) }}
        end,
        {%- endfor %}
        case
            when {{ relation }}.writes_source_data then '"source_data":"' || {{ relation }}.content_hash || '"'
        end
    ) || '}'
{%- endmacro %}

{# How many products the guard holds back, before anything is written: not listed by a complete listing, on show, and
   not about to become absent. #}
{% macro change_set_held_back(products) -%}
    select
        (
            select count(*)
            from {{ products }} as product
            where product.source = '{{ var('source') }}'
              and product.source_id is not null
              and {{ unlisted('product') }}
        ) - coalesce(sum(case when change = 'absent' then 1 else 0 end), 0) as held_back
    from guidelight_changes
{%- endmacro %}

{# Whether a row of `products` is on show although this sync's complete listing lacks it. #}
{% macro unlisted(product) -%}
    {{ 'true' if var('listing_complete') else 'false' }}
    and (coalesce({{ product }}.is_active, false) or coalesce({{ product }}.in_stock, false))
    and not exists (
        select 1 from {{ source(var('source'), 'sightings') }} as sighting
        where sighting.sync_log_id = '{{ var('sync_log_id') }}' and sighting.source_id = {{ product }}.source_id
    )
    and not exists (
        select 1 from {{ source(var('source'), 'rejected_records') }} as rejected
        where rejected.sync_log_id = '{{ var('sync_log_id') }}' and rejected.source_id = {{ product }}.source_id
    )
{%- endmacro %}

{# One row of `digest` and `held_back`: SHA-256 over each changed product's (source_id, change, new values), in order,
   and the guard's state; no id of ours, no time (DESIGN.md, `plan`). #}
{% macro change_set_digest(products) -%}
    with lines as (
        select
            {{ sha256_hex("'[' || " ~ as_json_text('source_id') ~ " || ',\"' || change || '\",' || new_values || ']'") }}
                as line
        from guidelight_changes
        where change is not null
    ),

    change_set as (
        select coalesce(string_agg(line, ',' order by line), '') as lines from lines
    ),

    guard as (
        {{ change_set_held_back(products) }}
    )

    select
        {{ sha256_hex("change_set.lines || case when guard.held_back > 0 then '|held back' else '' end") }} as digest,
        guard.held_back
    from change_set
    cross join guard
{%- endmacro %}

{# `sync --expect`: what this sync would write is what was planned, or it writes nothing. #}
{% macro publish_expected(products) -%}
    with now_is as (
        {{ change_set_digest(products) }}
    )

    {{ require(
        "digest like '" ~ var('expect') ~ "%'",
        "'guidelight: what this sync would do is no longer what was planned: its digest is ' || digest || ', not " ~ var('expect') ~ "'"
    ) }}
    from now_is
{%- endmacro %}
