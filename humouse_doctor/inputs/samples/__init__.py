"""Generated sequences in files, of any generator."""
