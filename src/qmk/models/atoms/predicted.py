"""What a program on a device is predicted to take and to be worth: its time and its fidelity.

The model is that of the compilers for zoned atoms (Enola, ZAC): a product of one factor for each gate, each atom moved,
each atom that the light of a gate reaches in vain, and of exp(-t / T2) for each atom's time outside of gates. A factor
is the entanglement fidelity of the error that the device declares, so that it is one minus the chance of any error for
Pauli errors. Reading is left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, NamedTuple

from qmk.models.atoms.array import Array
from qmk.models.atoms.machine import DeviceErrors
from qmk.models.atoms.profile import Profile
from qmk.models.atoms.timeline import Entry
from qmk.models.noise.errors import AnyError
from qmk.qvm.families import OPS
from qmk.qvm.op import PauliChannel

if TYPE_CHECKING:
    from qmk.models.atoms.on_device import OnDevice


class Prediction(NamedTuple):
    """``time_us``; ``fidelity`` and its natural logarithm; ``moves``: of atoms, each with picking up and dropping;
    ``rides``: moves at one time count once; ``ride_us``: all of them; ``pulses`` of gates on several atoms,
    ``pulses_1q``: times at which gates on one atom begin; ``idle``: atoms that a pulse reached in vain."""

    time_us: float
    fidelity: float
    log_fidelity: float
    gates_1q: int
    gates_2q: int
    pulses: int
    pulses_1q: int
    moves: int
    rides: int
    ride_us: float
    idle: int


class Worth(NamedTuple):
    """Natural logarithms of fidelities, with a minus sign: of one gate by arity, of a moved atom, of one that was there
    while others moved, of one that light reached in vain, and of one microsecond of waiting."""

    gates: dict[int, float]
    move: float
    stay: float
    unpaired: float
    wait_us: float


def loss_of(errors: Iterable[AnyError], qubits: int) -> float:
    """Minus the logarithm of the entanglement fidelity of errors one after the other on ``qubits`` qubits."""
    total = 0.0
    for error in errors:
        alone = qubits if qubits > 1 and not error.pair else 1
        total += alone * _loss(error.OP, error.args(), qubits if error.pair else 1)
    return total


def _loss(op: str, args: dict[str, Any], qubits: int) -> float:
    channel = OPS[op].channel
    if channel is None:
        return -math.log1p(-min(float(args.get("p", 0.0)), 1 - 1e-12))
    made = channel(args, qubits)
    if isinstance(made, PauliChannel):
        good = made.chances[0]
    else:
        traces = (sum(operator[k][k] for k in range(2**qubits)) for operator in made.operators)
        good = sum(abs(trace) ** 2 for trace in traces) / 4**qubits
    return -math.log(max(good, 1e-12))


def worth_of(mishaps: DeviceErrors) -> Worth:
    """What each thing costs on a device with these errors. Of several rules for gates of one arity the first counts."""
    model = mishaps.model
    gates: dict[int, float] = {}
    for arity in (1, 2, 3):
        rule = next((row for row in (model.gates if model is not None else ()) if row.arity in (0, arity)), None)
        lost = -math.log1p(-min(mishaps.gate_loss, 1 - 1e-12)) * arity
        gates[arity] = lost + (loss_of(rule.errors, arity) if rule is not None else 0.0)
    idle = mishaps.idle
    return Worth(
        gates,
        loss_of(mishaps.move, 1) - math.log1p(-min(mishaps.move_loss, 1 - 1e-12)),
        loss_of(mishaps.stay, 1),
        loss_of(mishaps.unpaired, 1),
        (2 * idle.dephasing + idle.decay + idle.loss) * 1e-6,
    )


def predict(made: OnDevice, profile: Profile) -> Prediction:
    """Time and fidelity of a program that was made for ``profile``, up to the end of its last gate."""
    timeline = made.timeline
    worth = worth_of(profile.mishaps)
    array = Array(profile, timeline.configuration)
    array.begin(timeline.sites)
    gates = [row for row in timeline.timeline if OPS[row.op].op_class == "unitary"]
    end = max((row.end_us for row in gates), default=0.0)
    busy = sum(row.duration_us * len(row.atoms) for row in gates)
    ones, several = [row for row in gates if len(row.atoms) == 1], [row for row in gates if len(row.atoms) > 1]
    rides = [row for row in timeline.timeline if row.op == "atoms.move" and row.start_us < end]
    n, moves = len(timeline.sites), sum(len(row.atoms) for row in rides)
    idle = _reached_in_vain(array, several, rides, made) if profile.blockade.light == "zone" else 0
    lost = sum(worth.gates.get(len(row.atoms), 0.0) for row in gates)
    lost += worth.move * moves + worth.stay * (n * len(rides) - moves) + worth.unpaired * idle
    lost += worth.wait_us * (n * end - busy)
    return Prediction(
        time_us=end,
        fidelity=math.exp(-lost),
        log_fidelity=-lost,
        gates_1q=len(ones),
        gates_2q=len(several),
        pulses=len({row.start_us for row in several}),
        pulses_1q=len({row.start_us for row in ones}),
        moves=moves,
        rides=len(rides),
        ride_us=sum(row.duration_us for row in rides),
        idle=idle,
    )


def _reached_in_vain(array: Array, several: list[Entry], rides: list[Entry], made: OnDevice) -> int:
    """Atoms in zones that entangle which take no part in a pulse, summed over pulses."""
    aims = {node.id: node.args["to"] for node in made.graph.nodes if node.op == "atoms.move"}
    pulses: dict[float, set[str]] = {}
    for row in several:
        pulses.setdefault(row.start_us, set()).update(row.atoms)
    events: list[tuple[float, int, Entry | None]] = [(row.end_us, 0, row) for row in rides]
    events += [(start, 1, None) for start in pulses]
    bright = {atom for atom, site in array.where.items() if array.zone(site).entangles}
    found = 0
    for start, _, ride in sorted(events, key=lambda event: event[:2]):
        if ride is None:
            found += len(bright - pulses[start])
            continue
        for atom, point in zip(ride.atoms, aims[ride.node], strict=True):
            site = array.site_at(point)
            (bright.add if site is not None and array.zone(site).entangles else bright.discard)(atom)
    return found
