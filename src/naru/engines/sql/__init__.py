"""SQL databases behind one contract."""
