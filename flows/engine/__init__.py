"""Running a plan: landing, dbt, gates, Python steps, on Prefect. One foreign tool per module."""
