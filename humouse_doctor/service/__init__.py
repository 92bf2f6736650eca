"""Functions for the command line and for Python programs: each takes a request and returns a view or a report.

A module for each command or family of commands offers all that its caller needs, so that a command imports one module when it
is called. `api` is for Python programs; code that several commands use is in `display`, `patch` and `trials`.
"""
