"""The engines of the contract suite: each test runs on every database."""

from tests.contract.engines.conftest import open_engine

__all__ = ["open_engine"]
