"""Real gestures from array files, mouse sessions and folders of them."""
