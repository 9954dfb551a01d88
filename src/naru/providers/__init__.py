"""How each kind of upstream is addressed and signed."""
