"""Which upstream serves a model, and what to do when it does not."""
