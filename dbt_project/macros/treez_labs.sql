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
    {{ return([
        'bisabolol', 'borneol', 'camphene', 'camphor', 'carene', 'caryophyllene', 'cedrene', 'cineole', 'cymene', 'eucalyptol',
        'farnesene', 'fenchol', 'fenchone', 'geraniol', 'geranyl', 'guaiol', 'humulene', 'isopulegol', 'limonene', 'linalool',
        'menthol', 'myrcene', 'nerol', 'ocimene', 'phellandrene', 'phytol', 'pinene', 'pulegone', 'sabinene', 'terpinene',
        'terpineol', 'terpinolene', 'valencene',
    ]) }}
{%- endmacro %}

{# What a content's lab results say: a query to be joined to each row of `facts`. Amounts in mg count for nothing; a range
   counts with its maximum; of a result that stands there twice the higher one; what can't be read stands in `…_unread`. #}
{% macro treez_lab_values(facts) -%}
with labs as (
    {{ json_elements_of_row(facts, 'content_hash', facts ~ '.lab_results', 'lab') }}
),

lab_texts as (
    select
        content_hash,
        {{ clean(json_text('lab', ['result_type'])) }} as result_type,
        upper({{ clean(json_text('lab', ['amount_type'])) }}) as amount_type,
        coalesce(
            {{ clean(json_text('lab', ['amount', 'maximum_value'])) }},
            {{ clean(json_text('lab', ['amount', 'minimum_value'])) }}
        ) as amount_text
    from labs
    {{ evaluated_once() }}
),

lab_percents as (
    select
        content_hash,
        result_type,
        amount_text,
        {{ to_number('amount_text') }} as percent
    from lab_texts
    where amount_type in ('PERCENTAGE', 'PERCENT', '%')
    {{ evaluated_once() }}
),

results as (
    select
        content_hash,
        result_type,
        lower(result_type) as spelled,
        upper(regexp_replace(result_type, '[^A-Za-z0-9]+', '', 'g')) as kind,
        max(percent) as percent,
        min(case when percent is null then amount_text end) as unread,
        max({{ as_numeric('percent', 6, 3) }}) as terpene_percent,
        min(case when {{ as_numeric('percent', 6, 3) }} is null then amount_text end) as terpene_unread
    from lab_percents
    group by content_hash, result_type
    {{ evaluated_once() }}
),

kinds as (
    select
        content_hash,
        result_type,
        kind,
        percent,
        unread,
        terpene_percent,
        terpene_unread,
        kind not like '%TOTAL%'
        and (
            {%- for terpene in treez_terpenes() %}
            {{ 'or ' if not loop.first }}spelled like '%{{ terpene }}%'
            {%- endfor %}
        ) as is_terpene
    from results
    {{ evaluated_once() }}
)

select
    content_hash,
    {%- for name, groups in treez_cannabinoids().items() %}
    coalesce(
        {%- for kinds in groups %}
        max(case when kind in ({{ quoted_list(kinds) }}) then percent end){{ ',' if not loop.last }}
        {%- endfor %}
    ) as {{ name }},
    min(case when kind in ({{ quoted_list(groups | sum(start=[])) }}) then unread end) as {{ name }}_unread,
    {%- endfor %}
    '{' || string_agg(
        case
            when is_terpene and terpene_percent is not null
                then {{ as_json_text('result_type') }} || ':' || {{ as_json_text('cast(terpene_percent as double precision)') }}
        end,
        ',' order by result_type
    ) || '}' as terpenes,
    min(case when is_terpene then terpene_unread end) as terpenes_unread
from kinds
group by content_hash
{%- endmacro %}
