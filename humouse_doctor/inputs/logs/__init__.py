"""What a training run writes down about itself: its summary, its tables of metrics and its log."""
