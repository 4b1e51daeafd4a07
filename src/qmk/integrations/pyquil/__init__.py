"""QMK behind pyQuil: ``from qmk.integrations.pyquil import get_qc``."""

from qmk.integrations.pyquil.qam import QMKQAM
from qmk.integrations.pyquil.quantum_computer import QMKCompiler, get_qc

__all__ = ["QMKQAM", "QMKCompiler", "get_qc"]
