"""A policy, a baseline and reports to one decision."""
