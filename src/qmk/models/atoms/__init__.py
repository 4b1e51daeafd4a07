"""Neutral atoms: programs of analog evolutions as people write them, and devices with their rules.

``Profile`` is a device: bounds of analog programs; for programs of gates a ``Geometry`` and the parts in ``machine``.
"""

from __future__ import annotations

from qmk.models.atoms.check import check
from qmk.models.atoms.geometry import Configuration, Geometry, Lattice, Site, Zone
from qmk.models.atoms.noisy import AtomNoise, atom_noises, doppler_sigma, noisy
from qmk.models.atoms.profile import Profile, load, profile, profiles
from qmk.models.atoms.program import AtomProgram, Drive, Field
from qmk.models.atoms.rules import ATOM_RULES
from qmk.models.atoms.to_graph import to_graph

__all__ = [
    "ATOM_RULES",
    "AtomNoise",
    "AtomProgram",
    "Configuration",
    "Drive",
    "Field",
    "Geometry",
    "Lattice",
    "Profile",
    "Site",
    "Zone",
    "atom_noises",
    "check",
    "doppler_sigma",
    "load",
    "noisy",
    "profile",
    "profiles",
    "to_graph",
]
