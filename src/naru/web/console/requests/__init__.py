"""Requests: the ledger as a table, and one call in full."""
