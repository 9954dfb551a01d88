"""`naru.toml`: one typed tree, read strictly, reloaded without dropping a request."""
