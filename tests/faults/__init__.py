"""What the world does to a sync, and what is left of it: faults of the source, kills, races."""
