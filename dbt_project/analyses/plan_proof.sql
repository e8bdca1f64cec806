-- That all it received is in staging, by the rule of the publish.
{{ publish_proof() }}
