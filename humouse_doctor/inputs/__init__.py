"""Readers of everything that comes from outside, none of which is trusted."""
