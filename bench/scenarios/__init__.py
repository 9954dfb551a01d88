"""One file a question; each takes running targets and returns plain figures."""
