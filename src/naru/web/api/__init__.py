"""The control plane's JSON API, `/api/...`: what the ledger and the running process say. None writes."""
