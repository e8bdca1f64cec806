{{ config(
    tags=['check', 'row'],
    severity='warn',
    meta={
        'severity': 'warning',
        'message': 'products have a category that the app does not know',
        'advice': 'Add the category to config.category_map or to dbt_project/seeds/category_map.csv',
    },
) }}

select source_id
from {{ source('guidelight', 'products') }}
where source = '{{ var('source') }}'
  and {{ of_this_sync('source_id') }}
  and cast(category as varchar) not in (
      'flower', 'pre_roll', 'edible', 'vape', 'concentrate', 'tincture', 'topical', 'other'
  )
