"""The warm-up itself: planned from settings and data, and trained."""
