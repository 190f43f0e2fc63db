"""Alerts: what somebody should look at, opened once, told once, over when its cause is."""
