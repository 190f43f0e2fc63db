"""Time from the first report of an unplanned outage to its restoration."""
