-- Each product of the newest published sync with the values that its record maps to.
with products as (
    select * from {{ ref('staging_treez__products') }}
),

{{ treez_mapping('products') }}

select
    mapped.source_id,
    mapped.content_hash,
    {%- for column in mapped_columns() %}
    mapped.{{ column }},
    {%- endfor %}
    mapped.warnings,
    products.page,
    products.extracted_at
from mapped
inner join products on products.source_id = mapped.source_id
