"""Files the tool has written itself, and reads again within bounds."""
