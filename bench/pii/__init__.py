"""How well and how fast personal data is found, beside Presidio and ko-pii: `python -m bench.pii`."""
