"""Watching of a generator while it trains."""
