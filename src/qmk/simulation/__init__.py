"""Simulations of the kernel: the same code, with a clock and a machine that are made up."""
