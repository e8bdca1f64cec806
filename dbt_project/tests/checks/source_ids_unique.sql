{{ config(
    tags=['check'],
    severity='error',
    meta={
        'severity': 'critical',
        'message': 'products stand more than once under one source_id',
        'advice': 'Keep one row of each: the unique index on products (source, source_id) is missing',
    },
) }}

select source_id
from {{ source('guidelight', 'products') }}
where source = '{{ var('source') }}' and source_id is not null
group by source_id
having count(*) > 1
