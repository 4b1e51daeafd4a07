"""Pictures of programs for atoms: on a device a timeline by atom, and the array with its moves and gates; of evolutions
their light over time and the atoms, also as text."""

from __future__ import annotations

from qmk.models.atoms.drawing.array import panels
from qmk.models.atoms.drawing.course import is_analog
from qmk.models.atoms.drawing.gantt import gantt
from qmk.models.atoms.drawing.text import lines
from qmk.models.atoms.drawing.waveforms import draw

__all__ = ["draw", "gantt", "is_analog", "lines", "panels"]
