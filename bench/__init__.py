"""`make bench`: Naru, its rivals and a bare proxy, side by side on one machine. Prints and keeps one table.

Every gateway gets the same core, upstream, requests and client; rounds are interleaved, so that a noisy
neighbour hits all alike. A run with a failed request counts for nothing.
"""
