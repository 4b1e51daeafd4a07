"""QMK inside TensorFlow Quantum: layers that stand where ``tfq.layers.Expectation`` and ``tfq.layers.PQC`` stand."""

import importlib.util

from qmk.base.errors import QmkError

if importlib.util.find_spec("tensorflow_quantum") is None:
    fix = "install TensorFlow Quantum beside QMK, in an environment of Python 3.11"
    raise QmkError("UNSUPPORTED", "qmk.integrations.tfq needs TensorFlow Quantum", help=fix)

from qmk.integrations.tfq.layers import PQC, Expectation

__all__ = ["PQC", "Expectation"]
