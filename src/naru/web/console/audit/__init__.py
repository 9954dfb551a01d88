"""The audit log: entries, one of them with its proof, checkpoints, and verification."""
