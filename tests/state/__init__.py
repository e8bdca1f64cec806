"""The proof: random catalogues and events through real syncs on both engines, against a plain Python model."""
