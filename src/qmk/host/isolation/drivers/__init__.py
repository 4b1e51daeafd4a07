"""Programs of the system that hold a worker or a script, and the drivers of the levels that they make."""
