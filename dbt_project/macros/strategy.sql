{# Who wins where a person edited a product (DESIGN.md, What changed; config.conflict_strategy). Every macro here is an
   expression over a row of the products model: `compared`, or what it is made of. #}

{# What follows the source under manual_wins. source_data and last_synced_at do, too. #}
{% macro always_followed() -%}
    {{ return(['price_retail', 'price_member', 'price_sale', 'in_stock', 'stock_quantity', 'is_active']) }}
{%- endmacro %}

{# What a replay leaves as it is: the stock that staging knows is older than what the app shows. #}
{% macro never_replayed() -%}
    {{ return(['in_stock', 'stock_quantity']) }}
{%- endmacro %}

{# Whether this run may keep a column as it is although the source says otherwise. #}
{% macro may_keep() -%}
    {{ return(var('conflict_strategy') != 'api_wins' or var('scope') == 'replay') }}
{%- endmacro %}

{# Whether a product whose content is the one last seen is left as it stands, whatever the strategy: `products` holds
   what was mapped from it. Nothing else has to be asked of it, and in a usual sync that is nearly every one. #}
{% macro is_settled(state, product, types) -%}
    (
        {{ product }}.source_id is not null
        and {{ product }}.source_data is not null
        and {{ state }}.absent_since is null
        and {{ state }}.written is null
        {%- for column in mapped_columns() %}
        and not {{ differs(state, product, column, types) }}
        {%- endfor %}
    )
{%- endmacro %}

{# Whether a person edited the column: `products` holds neither what the source says nor what a sync last wrote there.
   Without a state row nothing counts as edited: an adopted table's values were written by nobody we know. #}
{% macro is_edited(column, types) -%}
    case
        when present.source_id is null or last_seen.source_id is null then false
        when not {{ differs('incoming', 'present', column, types) }} then false
        when last_seen.written is not null and {{ json_has('last_seen.written', column) }}
            then (
                {{ comparable('cast(' ~ as_json_text('present.' ~ column) ~ ' as jsonb)', 'jsonb') }}
                is distinct from {{ comparable(json_value('last_seen.written', [column]), 'jsonb') }}
            )
        else {{ differs('last_seen', 'present', column, types) }}
    end
{%- endmacro %}

{# What a sync last wrote into the column, as json text; of an adopted row what it holds. #}
{% macro last_written(column, types) -%}
    case
        when last_seen.source_id is null then {{ as_json_text('present.' ~ column) }}
        when last_seen.written is not null and {{ json_has('last_seen.written', column) }}
            then cast({{ json_value('last_seen.written', [column]) }} as varchar)
        else {{ as_json_text(as_product_column('last_seen', column, types)) }}
    end
{%- endmacro %}

{# Whether the column stays as it is although the source says otherwise. #}
{% macro is_kept(relation, column) -%}
    {%- set strategy = var('conflict_strategy') -%}
    {%- if var('scope') == 'replay' and column in never_replayed() -%}
        {{ relation }}.{{ column }}_differs
    {%- elif strategy == 'merge' -%}
        {{ relation }}.{{ column }}_edited
    {%- elif strategy == 'manual_wins' and column == 'is_active' -%}
        ({{ relation }}.is_active_edited and not coalesce({{ relation }}.was_active, true))
    {%- elif strategy == 'manual_wins' and column not in always_followed() -%}
        ({{ relation }}.{{ column }}_differs and not {{ relation }}.is_new)
    {%- else -%}
        false
    {%- endif -%}
{%- endmacro %}

{# Whether this sync writes another value into the column of a product that is there. #}
{% macro is_overwritten(relation, column) -%}
    ({{ relation }}.{{ column }}_differs and not {{ is_kept(relation, column) }})
{%- endmacro %}

{# product_sync_state.written: what a sync last wrote where that isn't what the source says now, as json text. #}
{% macro written_elsewhere(relation, types) -%}
    {%- if not may_keep() -%}
        cast(null as varchar)
    {%- else -%}
        nullif('{' || concat_ws(
            ','
            {%- for column in mapped_columns() %},
            case
                {%- if column == 'is_active' and var('conflict_strategy') != 'api_wins' %}
                {#- Switched off by a person, a product stays off, though the source switches it off as well for a while. #}
                when not coalesce({{ relation }}.was_active, true) and {{ relation }}.is_active_written = 'true'
                    and not {{ relation }}.is_active
                    then '"is_active":true'
                {%- endif %}
                when {{ is_kept(relation, column) }}
                    and (
                        {{ relation }}.{{ column }}_written
                        is distinct from {{ as_json_text(as_product_column(relation, column, types)) }}
                    )
                    then '"{{ column }}":' || {{ relation }}.{{ column }}_written
            end
            {%- endfor %}
        ) || '}', '{}')
    {%- endif -%}
{%- endmacro %}

{# Whether a person's edit in any column gives way. #}
{% macro overwrites_edit(relation) -%}
    (
        {%- for column in mapped_columns() %}
        {{ 'or ' if not loop.first }}({{ is_overwritten(relation, column) }} and {{ relation }}.{{ column }}_edited)
        {%- endfor %}
    )
{%- endmacro %}

{# Whether a person's edit stays in any column. #}
{% macro keeps_edit(relation) -%}
    {%- if var('conflict_strategy') == 'api_wins' -%}
        false
    {%- else -%}
        (
            {%- for column in mapped_columns() %}
            {{ 'or ' if not loop.first }}({{ is_kept(relation, column) }} and {{ relation }}.{{ column }}_edited)
            {%- endfor %}
        )
    {%- endif -%}
{%- endmacro %}
