{{ config(
    tags=['check'],
    severity='warn',
    meta={
        'severity': 'warning',
        'message': 'the products have not been confirmed by a complete listing for too long',
        'advice': 'Look at `guidelight logs list`: what keeps the listings from being complete?',
    },
) }}

select cast(null as varchar) as source_id
from {{ source('guidelight', 'integrations') }}
where id = '{{ var('integration_id') }}'
  and coalesce(last_complete_sync_at, created_at) < now() - {{ var('max_age_hours') }} * interval '1 hour'
