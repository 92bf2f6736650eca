"""Remedies: changes that may cure a run, by id."""
