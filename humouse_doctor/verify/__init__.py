"""Paired trials: what a remedy really does to a run, by the same probes before and after."""
