"""Steps of the one migration chain that belong to identity."""
