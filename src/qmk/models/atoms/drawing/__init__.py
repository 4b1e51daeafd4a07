"""Pictures of programs on devices: a timeline by atom, and the array with its moves and gates."""

from __future__ import annotations

from qmk.models.atoms.drawing.array import evolutions, panels
from qmk.models.atoms.drawing.gantt import gantt

__all__ = ["evolutions", "gantt", "panels"]
