"""Paired trials: measure with the same probes, before and after, what a remedy does to a run."""
