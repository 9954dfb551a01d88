"""Maintainers' programs; not part of the package."""
