"""Risk of unplanned outages per feeder and local day."""
