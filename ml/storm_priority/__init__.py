"""How well a list of places catches the outages of a storm."""
