"""YAML to settings, and patches back into it."""
