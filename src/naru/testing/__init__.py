"""Tools for tests of Naru and of what is built on it."""
