"""The user's own trainer, read as text, and the patch of that text."""
