"""People: the list, one person, and the account of whoever signed in."""
