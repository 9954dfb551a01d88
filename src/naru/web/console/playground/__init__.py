"""Playground: a streaming chat over any model. The conversation lives in the page alone."""
