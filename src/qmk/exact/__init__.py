"""Exact simulation in numpy: the branches of a program, runs from fence to fence, state vectors, read-out."""
