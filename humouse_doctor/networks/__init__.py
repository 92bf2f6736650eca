"""The generators in torch: rebuilt, identified, sampled and observed."""
