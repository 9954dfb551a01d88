"""Alembic's entry to the chain; the steps themselves lie with the parts that own them."""
