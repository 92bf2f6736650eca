"""Everything that touches torch: networks, checkpoints, sampling, trials."""
