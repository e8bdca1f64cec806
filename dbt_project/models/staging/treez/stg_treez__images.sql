-- The pictures of the products of the newest published sync: one row a picture.
with products as (
    select * from {{ ref('staging_treez__products') }}
),

listed as (
    {{ json_elements('products', 'source_id', json_value('payload', ['e_commerce', 'all_images']), 'image') }}
),

pictures as (
    select
        source_id,
        cast(position as integer) as position,
        -- An object or a list is no address.
        case
            when ({{ json_types('image', [[]]) }})[1] not in ('OBJECT', 'ARRAY')
                then {{ clean(json_text('image', [])) }}
        end as image_url
    from listed
),

primaries as (
    select
        source_id,
        coalesce(
            {{ clean(json_text('payload', ['e_commerce', 'primary_image'])) }},
            {{ clean(json_text('payload', ['image_url'])) }}
        ) as image_url
    from products
),

-- The primary picture need not stand in the list.
apart as (
    select primaries.source_id
    from primaries
    left join pictures
        on pictures.source_id = primaries.source_id and pictures.image_url = primaries.image_url
    where primaries.image_url is not null and pictures.source_id is null
)

select
    primaries.source_id,
    0 as position,
    primaries.image_url,
    true as is_primary
from primaries
inner join apart on apart.source_id = primaries.source_id
union all
select
    pictures.source_id,
    pictures.position,
    pictures.image_url,
    coalesce(pictures.image_url = primaries.image_url, false) as is_primary
from pictures
inner join primaries on primaries.source_id = pictures.source_id
where pictures.image_url is not null
