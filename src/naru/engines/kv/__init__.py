"""What replicas count together: counters, leases and small values that expire.

The contract is `base.KeyValue`. In process for one Naru, Redis or Valkey for more; only the composition root
and the CLI name an adapter.
"""
