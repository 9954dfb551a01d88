"""The HTTP edge: the data plane, the control plane and the console on one port."""
