"""Errors, limits, ids, seeds and units: the vocabulary of every other room. Pure: no I/O, no clock, no dice."""
