"""Programs that measure the fleet: walls, memory, and what is lost when processes are killed."""
