"""Runs made by humouse's own trainer, and what humouse-doctor says of them."""
