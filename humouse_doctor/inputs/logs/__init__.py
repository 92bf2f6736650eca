"""Readers of the files that a training run writes about itself: its summary, its tables of metrics and its log."""
