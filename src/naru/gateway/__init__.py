"""The road: what every AI call passes, from the first byte in to the last byte out."""
