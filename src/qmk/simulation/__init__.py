"""Deterministic simulation of the whole system: ``python -m qmk.simulation --seeds 1000``.

The real kernel, host and group commit run against a simulated disk, workers, clock and network, all driven by one seed.
A run is a list of actions, each of which picks what it acts on with a random number of its own: any part of the list is
a run too, which is how a failing one is made short. See docs/howto/simulate.md.
"""
