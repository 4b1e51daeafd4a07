"""The microkernel: a pure function from events to effects, and the objects it keeps. Imported by ``host`` only."""
