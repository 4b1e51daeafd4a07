"""Neutral atoms: programs of analog evolutions as people write them, devices with their rules, and the graph of one."""

from __future__ import annotations

from qmk.models.atoms.check import check
from qmk.models.atoms.noisy import AtomNoise, atom_noises, doppler_sigma, noisy
from qmk.models.atoms.profile import Profile, profile, profiles
from qmk.models.atoms.program import AtomProgram, Drive, Field
from qmk.models.atoms.rules import ATOM_RULES
from qmk.models.atoms.to_graph import to_graph

__all__ = [
    "ATOM_RULES",
    "AtomNoise",
    "AtomProgram",
    "Drive",
    "Field",
    "Profile",
    "atom_noises",
    "check",
    "doppler_sigma",
    "noisy",
    "profile",
    "profiles",
    "to_graph",
]
