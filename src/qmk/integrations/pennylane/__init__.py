"""QMK as a device of PennyLane: ``qml.device("qmk", wires=4)``."""

from qmk.integrations.pennylane.device import QmkDevice

__all__ = ["QmkDevice"]
