"""Checkpoints: their layout is checked without torch, then they are read in a separate process."""
