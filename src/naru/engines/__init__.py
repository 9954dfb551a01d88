"""Engine families: a contract, an embedded adapter, adapters of real servers."""
