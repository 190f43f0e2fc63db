"""Anomaly of control-network traffic per capture and 60 s window."""
