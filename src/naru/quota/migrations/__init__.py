"""Steps of the one migration chain that belong to budgets and limits."""
