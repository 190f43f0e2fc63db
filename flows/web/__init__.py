"""Pages and listeners for people: what answers a browser."""
