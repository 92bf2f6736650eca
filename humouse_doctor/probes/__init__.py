"""The probes, one per file, each with its page beside it; numpy only."""
