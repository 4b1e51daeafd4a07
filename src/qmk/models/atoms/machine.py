"""What a device does to atoms that hold qubits, as data: native gates, blockade, timing, transport and mishaps.

Distances are in um, times in us, rates in 1/s, angles in radians; a bound of 0 is none unless a field says otherwise.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from qmk.models.noise.errors import AnyError
from qmk.models.noise.model import NoiseModel

Connectivity = Literal["all", "chain", "grid"]


class NativeGate(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A gate that the device has. ``name``: short name of an op of family core, such as "cz". ``duration`` us.
    ``low`` and ``high``: range of every angle, rad; equal for none. ``connectivity`` of a gate on several qubits:
    "chain" asks for qubits that follow each other in the configuration, "grid" for neighbours along x, y or z."""

    name: str
    arity: int
    duration: float = 0.0
    low: float = 0.0
    high: float = 0.0
    connectivity: Connectivity = "all"


class Pairs(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Interaction graph of a gate: the pairs of site ids, in either order, that it joins, and no others."""

    gate: str
    pairs: tuple[tuple[int, int], ...]


class Blockade(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """How far a gate on several qubits reaches. Its atoms are pairwise within ``radius`` (um), and apart along x, y, z
    by at most ``axes``. ``zones``: another radius by zone id; for two atoms in two zones the smaller one counts.
    ``spacing``: atoms are nowhere nearer than this. ``light``: which atoms the gate's light reaches. "pair": those of
    the gate, so that gates of one time must only stay apart from each other by more than the radius; "zone": every
    atom of a zone that entangles, so that no other atom there may be within the radius of one of the gate's."""

    radius: float = 0.0
    axes: tuple[float, float, float] = (0.0, 0.0, 0.0)
    zones: dict[str, float] = {}
    spacing: float = 0.0
    light: Literal["pair", "zone"] = "pair"


class Timing(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Times of a device in us. ``min_wait``, ``max_wait``: of one wait; longer ones are several. ``one_qubit``,
    ``two_qubit``: gates of this kind at once; ``per_zone``: gates at once in one zone. ``alike``: gates on one qubit
    that run at one time are the same gate, and begin together. ``cooldown``: from the end of a measurement until the
    atom's next op. ``reset``: of core.reset; ``reload``: of atoms.reload."""

    min_wait: float = 0.0
    max_wait: float = 0.0
    one_qubit: int = 0
    two_qubit: int = 0
    per_zone: int = 0
    alike: bool = False
    measurement: float = 0.0
    cooldown: float = 0.0
    reset: float = 0.0
    reload: float = 0.0


class Lane(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A way between two sites (ids), in either direction. ``distance`` (um) along it, the straight one if 0;
    ``duration`` (us) where the law of motion does not say it. Lanes of one ``bus`` are used together, others not."""

    ends: tuple[int, int]
    distance: float = 0.0
    duration: float = 0.0
    bus: str = ""


class MoveLimits(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """``per_atom``, ``per_shot``: moves of one atom, and of all; ``at_once``: atoms of one move; ``distance``: um that
    one atom goes in all; ``until``: us after the begin of the program at which the last move may begin."""

    per_atom: int = 0
    per_shot: int = 0
    at_once: int = 0
    distance: float = 0.0
    until: float = 0.0


class Transport(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Atoms that are carried. Motion begins and ends at rest with the greatest ``jerk`` (um/us^3) throughout, up to
    ``acceleration`` (um/us^2) and ``speed`` (um/us); ``pick`` and ``drop`` (us) come before and after. ``lanes``: the
    only ways there are, if any is named. ``crossing`` False: atoms that move together keep their order along x and
    along y, and those of one column or row stay in one, as tweezers of crossed deflectors do. ``separation`` (um):
    their rows, and their columns, are at least this far apart at both ends; where it is given, no atom that stays is
    at a crossing of these rows and columns when they pick up."""

    jerk: float = 0.0
    acceleration: float = 0.0
    speed: float = 0.0
    pick: float = 0.0
    drop: float = 0.0
    lanes: tuple[Lane, ...] = ()
    limits: MoveLimits = MoveLimits()
    crossing: bool = False
    separation: float = 0.0


class Idle(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What happens to an atom that waits, by rates in 1/s: ``dephasing`` (a Z), ``decay`` (|1> to |0>), ``loss``.
    ``kick`` (rad): with every wait, a turn about Z by an angle that is uniform between -kick and kick."""

    dephasing: float = 0.0
    decay: float = 0.0
    loss: float = 0.0
    kick: float = 0.0


class DeviceErrors(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What goes wrong. ``model``: errors of gates and of reading, no waiting. ``idle``: while an atom waits.
    ``move``: errors of an atom that moved, ``stay``: of one that was there while others moved; ``unpaired``: of one in
    a lit zone that takes no part in the gate. Chances that an atom is lost: ``load_loss`` when it is placed,
    ``gate_loss`` of each atom in each gate, ``move_loss`` in each move."""

    model: NoiseModel | None = None
    idle: Idle = Idle()
    move: tuple[AnyError, ...] = ()
    stay: tuple[AnyError, ...] = ()
    unpaired: tuple[AnyError, ...] = ()
    load_loss: float = 0.0
    gate_loss: float = 0.0
    move_loss: float = 0.0
