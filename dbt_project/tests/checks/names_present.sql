{{ config(
    tags=['check', 'row'],
    severity='error',
    meta={
        'severity': 'error',
        'message': 'products without a name are on the menu',
        'advice': 'Name them at the point of sale; a record without any name is rejected before it gets here',
    },
) }}

select source_id
from {{ source('guidelight', 'products') }}
where source = '{{ var('source') }}' and {{ of_this_sync('source_id') }} and {{ clean('name') }} is null
