"""Programs at the logical level: every operation exact, with the error channel that a table measured for it."""

from __future__ import annotations

from qmk.models.qec.logical.drifting import on_request, rewritten
from qmk.models.qec.logical.footprints import Placed, place_program
from qmk.models.qec.logical.machine import Machine, Report, as_dict, on_machine
from qmk.models.qec.logical.run import Failures, failures, sample
from qmk.models.qec.logical.surgery import Lowered, lower

__all__ = [
    "Failures",
    "Lowered",
    "Machine",
    "Placed",
    "Report",
    "as_dict",
    "failures",
    "lower",
    "on_machine",
    "on_request",
    "place_program",
    "rewritten",
    "sample",
]
