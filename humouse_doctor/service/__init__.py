"""Functions for the command line and Python programs: down to the case once, and up to a view or a report once.

A module for each command or family of commands offers all that its caller needs, so that a command imports one module when
it is called. `api` is for Python programs; what several commands use stands in `display`, `patch` and `trials`.
"""
