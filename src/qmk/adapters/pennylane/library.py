"""PennyLane, which has no types that a checker could use."""

from __future__ import annotations

import importlib
from typing import Any

qml: Any = importlib.import_module("pennylane")
mp: Any = qml.measurements
preprocess: Any = qml.devices.preprocess
errors: Any = qml.exceptions
PAULI_MEASURE: Any = importlib.import_module("pennylane.ops.mid_measure.pauli_measure").PauliMeasure
