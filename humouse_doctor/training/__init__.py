"""The warm-up: its plan from settings and data, and its training."""
