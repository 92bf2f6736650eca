"""Changes that may cure a run, by id."""
