"""Fuzzing: mutated documents for every reader of what comes from outside, guided by coverage (``python -m
benchmarks.fuzz``, ``make fuzz``)."""
