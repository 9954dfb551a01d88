"""The trust layer: personal data is found, masked before a prompt leaves, and restored in the answer."""
