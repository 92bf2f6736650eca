"""What the command line and Python programs call: down to the case once, and up to a view or a report once."""
