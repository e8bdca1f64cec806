-- One row a product of a source; products without a source_id (people's own) are not compared.

create unique index if not exists products_source_source_id_key on products (source, source_id);
