"""One probe per file, with its page beside it; numpy only."""
