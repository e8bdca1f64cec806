"""The verbs: everything with a side effect, one a file."""
