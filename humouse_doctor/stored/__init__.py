"""Files that the tool writes itself and reads back within bounds."""
