"""Logical errors of operations, as measured: rows of raw counts, and what follows from them.

``measure`` makes a row from a physical circuit; ``Table`` holds rows, ``default()`` those that are shipped;
``channels`` gives the errors of every operation at one distance under one noise model, and refuses what the rows do
not carry.
"""

from __future__ import annotations

from qmk.models.qec.tables.channels import NEEDED, Channels, MergeChannel, channels, draw_table, redrawn
from qmk.models.qec.tables.fit import Fit, Point, fit, points
from qmk.models.qec.tables.measure import AWAY, KINDS, MERGES, WALL, measure
from qmk.models.qec.tables.rows import Row, Table, cache_folder, default, keep

__all__ = [
    "AWAY", "KINDS", "MERGES", "NEEDED", "WALL", "Channels", "Fit", "MergeChannel", "Point", "Row", "Table",
    "cache_folder", "channels", "default", "draw_table", "fit", "keep", "measure", "points", "redrawn",
]  # fmt: skip
