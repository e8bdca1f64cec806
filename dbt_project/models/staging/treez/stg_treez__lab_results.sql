-- What laboratories measured of the products of the newest published sync: one row a measurement.
with products as (
    select * from {{ ref('staging_treez__products') }}
),

labs as (
    {{ json_elements('products', 'source_id', json_value('payload', ['lab_results']), 'lab') }}
),

texts as (
    select
        source_id,
        cast(position as integer) as position,
        {{ clean(json_text('lab', ['result_type'])) }} as result_type,
        upper({{ clean(json_text('lab', ['amount_type'])) }}) as amount_type,
        {{ clean(json_text('lab', ['amount', 'minimum_value'])) }} as minimum_text,
        {{ clean(json_text('lab', ['amount', 'maximum_value'])) }} as maximum_text
    from labs
),

numbers as (
    select
        source_id,
        position,
        result_type,
        -- One word for the three that Treez has for percent, so that amounts can be compared.
        case when amount_type in ('PERCENTAGE', 'PERCENT', '%') then '%' else amount_type end as unit,
        {{ to_number('minimum_text') }} as minimum_amount,
        {{ to_number('maximum_text') }} as maximum_amount
    from texts
)

select
    source_id,
    position,
    result_type,
    unit,
    {{ as_numeric('minimum_amount', 12, 3) }} as minimum_amount,
    {{ as_numeric('maximum_amount', 12, 3) }} as maximum_amount
from numbers
