"""Checkpoints: looked at without torch, then read in a process of their own."""
