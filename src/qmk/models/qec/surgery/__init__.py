"""Lattice surgery on rotated surface-code patches: programs, their floor plan, and their physical circuits.

``Program`` is operations on named patches of a ``Floor``; ``timeline`` says when each runs, in code cycles;
``circuit`` makes the Stim circuit, ``certain`` names its observables; ``calibration`` shows single operations, and
``programs.held_out`` twenty programs to compare tiers on.
"""

from __future__ import annotations

from qmk.models.qec.surgery import drawing, programs
from qmk.models.qec.surgery.calibrate import KINDS, calibration, calibration_program
from qmk.models.qec.surgery.circuit import circuit, compile_program
from qmk.models.qec.surgery.floor import Floor, Patch
from qmk.models.qec.surgery.logical import Parity, certain
from qmk.models.qec.surgery.program import (
    Basis,
    Correct,
    Idle,
    Inject,
    Measure,
    Merge,
    Op,
    Phase,
    Prepare,
    Program,
    Timed,
    timeline,
)

__all__ = [
    "KINDS", "Basis", "Correct", "Floor", "Idle", "Inject", "Measure", "Merge", "Op", "Parity", "Patch", "Phase",
    "Prepare", "Program", "Timed", "calibration", "calibration_program", "certain", "circuit", "compile_program",
    "drawing", "programs", "timeline",
]  # fmt: skip
