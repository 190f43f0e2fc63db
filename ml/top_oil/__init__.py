"""Top-oil temperature of the next 24 hours, and how much hotter oil is than load and weather explain."""
