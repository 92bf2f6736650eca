"""The user's own trainer, read as text."""
