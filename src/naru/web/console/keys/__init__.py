"""Keys: the tree of organisations, teams and projects, and the keys that hang on it."""
