"""QMK inside Cirq: a sampler, a simulator, and an engine whose jobs outlive the process."""

import importlib.util

from qmk.base.errors import QmkError

if importlib.util.find_spec("cirq") is None:
    raise QmkError("UNSUPPORTED", "qmk.integrations.cirq needs Cirq", help="pip install 'quantum-microkernel[cirq]'")

from qmk.integrations.cirq.device import Device
from qmk.integrations.cirq.engine import Engine, Job, Processor
from qmk.integrations.cirq.sampler import Sampler
from qmk.integrations.cirq.simulator import Simulator

__all__ = ["Device", "Engine", "Job", "Processor", "Sampler", "Simulator"]
