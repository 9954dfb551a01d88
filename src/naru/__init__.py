"""Naru: one self-hosted control plane through which a company's AI crosses."""

__version__ = "0.1.0"
