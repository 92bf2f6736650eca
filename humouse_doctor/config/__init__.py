"""YAML text to settings with their origin, and edits back into the text."""
