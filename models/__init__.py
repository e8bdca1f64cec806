"""The nouns: typed, no I/O, importing nothing of ours. Python here; the SQL models are in dbt_project/models."""
