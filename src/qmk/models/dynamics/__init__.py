"""Models of open systems in time, as ``dynamics.evolve`` and documents of the format "dynamics" have them."""
