"""QMK: an operating system for quantum programs."""

__version__ = "0.1.0"
