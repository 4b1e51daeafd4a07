"""Memories of codes on neutral atoms: atoms are lost, found to be lost, replaced, and decoded with that knowledge.

``measure_memory`` runs a memory as a QVM graph with losses on ``native:tableau`` and decodes it twice: with the flags
of lost atoms and without. A code's ``circuit`` with its losses is ``steps.memory``; what an engine runs is
``graph_of``.
"""

from __future__ import annotations

from qmk.models.qec.atoms.graph import graph_of
from qmk.models.qec.atoms.memory import AtomMemory, Shots, measure_memory, sample

__all__ = ["AtomMemory", "Shots", "graph_of", "measure_memory", "sample"]
