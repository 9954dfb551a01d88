"""Budgets and limits: bars, forms, top-ups and history."""
