-- The digest of its change set, which `sync --expect` compares, and how much the guard holds back.
{{ change_set_digest(source('guidelight', 'products')) }}
