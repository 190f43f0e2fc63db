"""Load of the next 48 hours per feeder, zone or system, with a 90 % interval."""
