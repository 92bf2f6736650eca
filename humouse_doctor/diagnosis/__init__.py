"""Probe results to a report: causes, remedies, verdict and sentence."""
