"""Every conversion between two languages, held by files a person can read."""
