"""The ledger: what ran, what it made, from what, with which code, checks and models. The truth of the project."""
