"""What importers make of a program for atoms: sites, fields over time, and the conventions they were written in.

Distances are in um, times in us, energies in rad/us, phases in rad. Vacant sites are sites; lists of weights have a
number for each site, vacant or not. Everything that tools disagree on is a field here: C6, and the sign of the phase.
"""

from __future__ import annotations

import math
from typing import Literal

import msgspec

PhaseSign = Literal[1, -1]

INTERNAL_SIGN: PhaseSign = -1
"""The sign s of the phase in e^{i s phase} |r><g| that graphs have (``qvm.families.analog``)."""

C6_BRAKET = 5_420_000.0
"""5.42e-24 rad m^6/s: 87Rb 70S as Amazon Braket and Aquila have it"""

C6_BLOQADE = 2 * math.pi * 862_690.0
"""C6 in rad um^6/us: 2 pi 862690 MHz um^6, 87Rb 70S as Bloqade has it; 5420441.13"""


class Field(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Values at times: us; rad/us or rad. Linear between times, but a phase holds until the next."""

    times: tuple[float, ...]
    values: tuple[float, ...]


class Drive(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Light on the atoms. ``pattern``: its strength at each site; None where all feel it alike. ``transition``: which
    levels it couples, of ``qvm.families.analog.COUPLES``, for atoms with three of them; None for those with two."""

    amplitude: Field | None = None
    phase: Field | None = None
    detuning: Field | None = None
    pattern: tuple[float, ...] | None = None
    transition: str | None = None

    @property
    def is_local(self) -> bool:
        """Whether it is a detuning that differs from site to site."""
        return self.pattern is not None


class AtomProgram(msgspec.Struct, frozen=True, kw_only=True):
    """``filling[k]``: whether there is an atom at site ``k``. ``phase_sign`` s: the drive has e^{i s phase} |r><g|;
    Aquila and Bloqade have -1, Braket's local simulator and Pulser +1. ``shots`` where the program says."""

    sites: tuple[tuple[float, ...], ...]
    filling: tuple[bool, ...]
    drives: tuple[Drive, ...]
    duration: float
    c6: float
    phase_sign: PhaseSign
    shots: int | None = None

    @property
    def filled_sites(self) -> tuple[int, ...]:
        """Sites with an atom, in order."""
        return tuple(site for site, there in enumerate(self.filling) if there)
