"""Trust: policies with their try-it box, words of one's own, and calls to be reviewed."""
