{# What a Treez product's lab results map to: thc, cbd and terpenes, in percent. #}

{# {column: the spellings of a total, of the plain cannabinoid, of its acid, in capitals and ASCII letters and digits
   alone}: the first group with a number wins. #}
{% macro treez_cannabinoids() -%}
    {{ return({
        'thc': [['TOTALTHC', 'THCTOTAL'], ['THC', 'DELTA9THC', 'D9THC', '9THC'], ['THCA']],
        'cbd': [['TOTALCBD', 'CBDTOTAL'], ['CBD'], ['CBDA']],
    }) }}
{%- endmacro %}

{# The terpenes that laboratories report, by the part of the name that all spellings share. #}
{% macro treez_terpenes() -%}
    {{ return(
        '(bisabolol|borneol|camphene|camphor|carene|caryophyllene|cedrene|cineole|cymene|eucalyptol|farnesene|fenchol'
        ~ '|fenchone|geraniol|geranyl|guaiol|humulene|isopulegol|limonene|linalool|menthol|myrcene|nerol|ocimene'
        ~ '|phellandrene|phytol|pinene|pulegone|sabinene|terpinene|terpineol|terpinolene|valencene)'
    ) }}
{%- endmacro %}

{# The CTEs that end in `potencies` and `terpene_objects`, one row a content with any. Amounts in mg count for
   nothing; a range counts with its maximum; what can't be read stands in `…_unread`. #}
{% macro treez_labs(relation) -%}
labs as (
    {{ json_elements(relation, 'content_hash', json_value('payload', ['lab_results']), 'lab') }}
),

lab_texts as materialized (
    select
        content_hash,
        {{ clean(json_text('lab', ['result_type'])) }} as result_type,
        upper({{ clean(json_text('lab', ['amount_type'])) }}) as amount_type,
        coalesce(
            {{ clean(json_text('lab', ['amount', 'maximum_value'])) }},
            {{ clean(json_text('lab', ['amount', 'minimum_value'])) }}
        ) as amount_text
    from labs
),

lab_percents as materialized (
    select
        content_hash,
        result_type,
        amount_text,
        upper(regexp_replace(result_type, '[^A-Za-z0-9]+', '', 'g')) as kind,
        {{ to_number('amount_text') }} as percent
    from lab_texts
    where amount_type in ('PERCENTAGE', 'PERCENT', '%')
),

potencies as (
    select
        content_hash,
        {%- for name, groups in treez_cannabinoids().items() %}
        coalesce(
            {%- for kinds in groups %}
            max(case when kind in ({{ quoted_list(kinds) }}) then percent end){{ ',' if not loop.last }}
            {%- endfor %}
        ) as {{ name }},
        min(
            case when percent is null and kind in ({{ quoted_list(groups | sum(start=[])) }}) then amount_text end
        ) as {{ name }}_unread{{ ',' if not loop.last }}
        {%- endfor %}
    from lab_percents
    group by content_hash
),

terpene_percents as (
    select
        content_hash,
        result_type,
        max({{ as_numeric('percent', 6, 3) }}) as percent,
        min(case when {{ as_numeric('percent', 6, 3) }} is null then amount_text end) as unread
    from lab_percents
    where {{ matches('lower(result_type)', treez_terpenes()) }}
      and kind not like '%TOTAL%'
    group by content_hash, result_type
),

terpene_objects as (
    select
        content_hash,
        '{' || string_agg(
            case
                when percent is not null
                    then {{ as_json_text('result_type') }} || ':' || {{ as_json_text('cast(percent as double precision)') }}
            end,
            ',' order by result_type
        ) || '}' as terpenes,
        min(unread) as terpenes_unread
    from terpene_percents
    group by content_hash
)
{%- endmacro %}
