"""Steps of the one migration chain that belong to the trust layer."""
