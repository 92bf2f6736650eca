"""Functions for the command line and Python programs: down to the case once, and up to a view or a report once."""
