"""A report to text, one file per format; pure functions."""
