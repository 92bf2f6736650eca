"""Generators in torch: building, identifying, sampling and observing them."""
