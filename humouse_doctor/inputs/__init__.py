"""Everything that comes from outside; none of it is trusted."""
