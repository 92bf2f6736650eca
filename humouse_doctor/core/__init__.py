"""Pure data: what is looked at, what is measured, what is found. Standard library and numpy only."""
