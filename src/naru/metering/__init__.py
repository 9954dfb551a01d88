"""Counts every token and its price, and keeps the one ledger of calls."""
