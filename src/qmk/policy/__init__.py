"""Choices that need no trust: they are proposed to the kernel, which checks them. No clock, no I/O, no dice."""
