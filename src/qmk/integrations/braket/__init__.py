"""QMK in the Amazon Braket SDK: ``LocalSimulator("qmk")``, and a device of its own for daemons and options."""

from qmk.integrations.braket.device import Device, Task
from qmk.integrations.braket.simulator import Simulator

__all__ = ["Device", "Simulator", "Task"]
