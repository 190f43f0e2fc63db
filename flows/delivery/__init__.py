"""Delivery: the outbox, and the systems that act on what gridweave recommends."""
