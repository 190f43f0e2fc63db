"""Python steps: what they get, how they are run, tried again, stopped and checked."""
