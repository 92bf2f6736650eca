"""Probes for humouse-doctor."""
