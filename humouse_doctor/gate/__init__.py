"""The gate: one decision from a policy, a baseline and reports."""
