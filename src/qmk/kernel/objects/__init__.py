"""The kernel's objects, one a file."""
