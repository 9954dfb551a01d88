"""The steps of the road, one file each, in the order of `gateway/pipeline.py`."""
