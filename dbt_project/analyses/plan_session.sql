-- What a plan begins its transaction with.
{{ change_set_session() }}
