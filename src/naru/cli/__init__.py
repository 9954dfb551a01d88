"""The `naru` command."""
