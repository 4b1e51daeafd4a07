"""QMK as a backend of pytket: ``from qmk.integrations.pytket import QMKBackend``."""

from qmk.integrations.pytket.backend import QMKBackend

__all__ = ["QMKBackend"]
