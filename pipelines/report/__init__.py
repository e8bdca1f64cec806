"""One HTML page of a database: how fresh the menu is, what the syncs did, what changed and why."""
