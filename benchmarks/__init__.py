"""Measures what a sync costs, beside the least code that could do the same: `make bench`."""
