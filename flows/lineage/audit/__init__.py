"""The audit chain: every fact of the ledger once more, in a form that shows any later change.

rows ─► chain ─► checkpoints            written with the ledger
verification · published_data · bundle  read by an auditor
"""
