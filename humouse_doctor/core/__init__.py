"""Pure data: cases, measurements and findings. Standard library and numpy only."""
