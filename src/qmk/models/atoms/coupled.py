"""A device of atoms as a device of coupled sites, for tools that know no other: site k is the k-th atom."""

from __future__ import annotations

import itertools
import math

from qmk.base.errors import QmkError
from qmk.models.atoms.array import Array
from qmk.models.atoms.machine import NativeGate
from qmk.models.atoms.predicted import worth_of
from qmk.models.atoms.profile import Profile
from qmk.models.devices.target import GATES, MAX_SITES, Pair, Site, Target
from qmk.models.devices.target import NativeGate as Fact
from qmk.qvm.families.gates import DOUBLE, SINGLE

US = 1e-6
_WHOLE_ZONE = "ATOM-37"
"""The rule on atoms that a gate's light reaches in vain: it is about other atoms, and no property of a pair."""


def coupled_target(profile: Profile, configuration: str = "") -> Target:
    """What ``profile`` says of gates, as a ``Target``. Atoms that are carried can be brought together: all pairs are
    coupled. An error is one minus the average gate fidelity of what the device declares for a gate, without moves.
    T1 is of decay, T2 of decay and dephasing; a kick by a wait has no T2. Raises UNSUPPORTED for a device without
    gates, or with more atoms than a target has sites."""
    if profile.geometry is None:
        text = f"device '{profile.name}' runs no gates: it takes evolutions"
        raise QmkError("UNSUPPORTED", text, field="device", help="'qmk atoms devices' says which run gates")
    array = Array(profile, configuration)
    if array.atoms > MAX_SITES:
        text = f"device '{profile.name}' has {array.atoms} atoms, a target at most {MAX_SITES} sites"
        raise QmkError("UNSUPPORTED", text, field="device", help="run the program on it, or name a smaller device")
    for k in range(array.atoms):
        array.load(str(k))
    gates = [gate for gate in profile.gates if gate.name in GATES] or _every_gate()
    moves = profile.transport is not None
    pairs = {gate.name: [] if moves else _pairs(array, gate) for gate in gates if gate.arity == 2}
    coupled = None if moves else tuple(sorted({pair for found in pairs.values() for pair in found}))
    facts = [fact for gate in profile.gates if gate.name in GATES for fact in _facts(profile, gate, array.atoms, pairs)]
    name = f"{profile.name}:{configuration}" if configuration else profile.name
    return Target(
        name=name,
        sites=array.atoms,
        couplings=coupled,
        gates=tuple(dict.fromkeys(gate.name for gate in gates)),
        facts=tuple(facts),
        readings=_readings(profile, array.atoms),
        source="; ".join(profile.sources),
        max_shots=profile.shots[1] or None,
    )


def _every_gate() -> list[NativeGate]:
    """The gates on one qubit and on two of a device that has every one of family core."""
    return [NativeGate(op.short, arity) for arity, ops in ((1, SINGLE), (2, DOUBLE)) for op in ops]


def _pairs(array: Array, gate: NativeGate) -> list[Pair]:
    """Pairs of atoms, the first below the second, that the gate joins where they are."""
    found: list[Pair] = []
    for a, b in itertools.combinations(range(array.atoms), 2):
        fault = array.gate_fault(gate, (str(a), str(b)))
        if fault is None or fault.rule == _WHOLE_ZONE:
            found.append((a, b))
    return found


def _facts(profile: Profile, gate: NativeGate, atoms: int, pairs: dict[str, list[Pair]]) -> list[Fact]:
    """What is known of a gate at each of its places; nothing where neither time nor error is."""
    fidelity = math.exp(-worth_of(profile.mishaps).gates.get(gate.arity, 0.0))
    known = profile.mishaps.model is not None or profile.mishaps.gate_loss > 0
    size = 2**gate.arity
    error = (1 - fidelity) * size / (size + 1) if known else None
    duration = gate.duration * US or None
    if (error is None and duration is None) or gate.arity > 2:
        return []
    places: list[tuple[int, ...]] = [(k,) for k in range(atoms)]
    if gate.arity == 2:
        places = list(pairs[gate.name] or itertools.combinations(range(atoms), 2))
    return [Fact(gate.name, place, error, duration) for place in places]


def _readings(profile: Profile, atoms: int) -> tuple[Site, ...]:
    """What is known of reading and waiting, the same for each atom; of readings by name, those of all atoms."""
    idle, model = profile.mishaps.idle, profile.mishaps.model
    rule = next((row for row in (model.readout if model is not None else ()) if not row.qubits), None)
    rate = 2 * idle.dephasing + idle.decay / 2
    site = Site(
        t1_s=1 / idle.decay if idle.decay else None,
        t2_s=1 / rate if rate and not idle.kick else None,
        readout_error=None if rule is None else (rule.p01 + rule.p10) / 2,
        readout_s=profile.timing.measurement * US or None,
        p01=None if rule is None else rule.p01,
        p10=None if rule is None else rule.p10,
    )
    return () if site == Site() else (site,) * atoms
