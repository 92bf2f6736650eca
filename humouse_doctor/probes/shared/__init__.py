"""Measures and estimates that several probes use."""
