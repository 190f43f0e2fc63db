"""Risk of unplanned outages per feeder and local day, from weather, vegetation, history and the other models."""
