"""From a delivered file to an accepted load."""
