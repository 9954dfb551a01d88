"""Overview: what crossed in a window of time, refreshed while it is looked at."""
