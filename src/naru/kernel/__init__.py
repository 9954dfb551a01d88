"""Ids, clock, money, tokens and errors: values every other part may hold. No I/O lives here."""
