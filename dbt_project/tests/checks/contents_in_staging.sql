{{ config(
    tags=['check', 'row'],
    severity='error',
    meta={
        'severity': 'error',
        'message': 'products have a content that staging no longer holds',
        'advice': 'Somebody removed rows of staging by hand: a changed record lands again with the next change',
    },
) }}

select state.source_id
from {{ source('guidelight', 'product_sync_state') }} as state
left join {{ source(var('source'), 'payloads') }} as payloads
    on payloads.content_hash = state.content_hash
where state.source = '{{ var('source') }}'
  and {{ of_this_sync('state.source_id') }}
  and payloads.content_hash is null
