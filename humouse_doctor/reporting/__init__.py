"""Renderers: a report to text, one file per format; pure functions."""
