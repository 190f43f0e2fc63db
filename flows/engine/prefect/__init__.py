"""Prefect: its local server, what it runs for us, and the process that serves deployments."""
