"""Decoding as a service that the scheduler accounts for: what it costs, how far behind it is, what follows from that.

``cost``: CPU time from detection events, capacity of a core. ``signals``: ok, warn, throttle, shed, overdue.
``machine``: patches, cores and queue as discrete events. ``workers``: real processes whose CPU times drive the same
machine. ``reaction``: how long a chain of T gates waits.
"""

from __future__ import annotations

from qmk.models.qec.service.cost import Cost, fit
from qmk.models.qec.service.machine import Region, Report, Work, run
from qmk.models.qec.service.reaction import wait_us
from qmk.models.qec.service.signals import Level, Thresholds
from qmk.models.qec.service.workers import Measured, measure_windows

__all__ = [
    "Cost",
    "Level",
    "Measured",
    "Region",
    "Report",
    "Thresholds",
    "Work",
    "fit",
    "measure_windows",
    "run",
    "wait_us",
]
