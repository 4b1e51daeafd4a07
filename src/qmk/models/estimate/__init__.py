"""Physical resources of a program on an error-corrected machine."""
