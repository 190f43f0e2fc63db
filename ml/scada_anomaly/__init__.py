"""Anomaly of control-network traffic per capture and 60 s window, learnt from windows without an incident."""
