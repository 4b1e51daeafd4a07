"""What gates of patches cost: a CNOT exactly what its operations cost, and rules for the others.

Nothing here is drawn: each error of a program is put in alone, to see which parities it flips.
"""

from __future__ import annotations

import dataclasses
import itertools

import msgspec
import pytest

from qmk.ir import program as ops
from qmk.models.qec.logical import costs, lower, on_machine
from qmk.models.qec.surgery import programs
from qmk.models.qec.surgery.program import Basis
from qmk.models.qec.tables import Channels, MergeChannel, channels, default
from qmk.models.qec.tables.angles import probability, theta
from qmk.request.program import to_graph
from tests.unit.native import frames_reference as frames

KNOWN = channels(default(), "surface", 5, "p=1e-3")
NOTHING = KNOWN.scale(0.0)
PARTS = [
    *(("cycle", flip, "") for flip in "XZ"),
    *(("away", pauli, "") for pauli in "XZ"),
    *(("merge", pauli, part) for pauli in "XZ" for part in ("before", "after", "outcome", "other")),
]
SIZE = 1e-3
HEAD = 'OPENQASM 3.0; include "stdgates.inc"; qubit[2] q; bit[2] c;\n'


def only(name: str, key: str, part: str) -> Channels:
    """Channels in which nothing errs but this."""
    made = MergeChannel(**{**vars(NOTHING.merge["X"]), part: SIZE}) if part else SIZE
    return dataclasses.replace(NOTHING, **{name: {**getattr(NOTHING, name), key: made}})


Flips = dict[tuple[int, ...], float]


def flips(program: ops.Program, parities: tuple[tuple[int, ...], ...]) -> Flips:
    """theta of the errors of ``program`` by the parities that they flip."""
    items = program.instructions
    found: Flips = {}
    for at, item in enumerate(items):
        if not isinstance(item, ops.PauliNoise | ops.PauliNoise2):
            continue
        for error, chance in enumerate(item.chances):
            if not (error and chance):
                continue
            sure = tuple(float(other == error) for other in range(len(item.chances)))
            there = msgspec.structs.replace(item, **chances_of(item, sure[1:]))
            quiet = tuple(
                there if k == at else other
                for k, other in enumerate(items)
                if k == at or not isinstance(other, ops.PauliNoise | ops.PauliNoise2)
            )
            bits = frames.sample(msgspec.structs.replace(program, instructions=quiet), 1, 0)[0]
            key = tuple(int(sum(int(bits[c]) for c in parity) % 2) for parity in parities)
            if any(key):
                found[key] = found.get(key, 0.0) + theta(chance)
    return found


def chances_of(item: ops.PauliNoise | ops.PauliNoise2, sure: tuple[float, ...]) -> dict:
    if isinstance(item, ops.PauliNoise):
        return dict(zip("xyz", sure, strict=True))
    return {"errors": sure}


def ideal(control: Basis, target: Basis, known: Channels) -> ops.Program:
    """What ``programs.cnot`` does, as a gate with its errors, with the waits before it and after it."""
    made: list[ops.Instruction] = []

    def strike(found: costs.Flips, qubits: tuple[int, ...]) -> None:
        for qubit, angles in zip(qubits, found.one, strict=True):
            for flip, angle in angles.items():
                p = probability(angle)
                made.append(ops.PauliNoise(qubit, p * (flip == "X"), 0.0, p * (flip == "Z")))
        for pair, angle in found.two.items():
            chances = [0.0] * 15
            chances[4 * "IXYZ".index(pair[0]) + "IXYZ".index(pair[1]) - 1] = probability(angle)
            made.append(ops.PauliNoise2((0, 1), tuple(chances)))

    bases = (control, target)
    made += [ops.Gate("h", (qubit,), (), None) for qubit in (0, 1) if bases[qubit] == "X"]
    for qubit in (0, 1):
        strike(costs.wait(known, 1), (qubit,))
    made.append(ops.Gate("cnot", (0, 1), (), None))
    strike(costs.gate(known, "cnot", 0.0), (0, 1))
    for qubit in (0, 1):
        strike(costs.wait(known, 1), (qubit,))
    made += [ops.Gate("h", (qubit,), (), None) for qubit in (0, 1) if bases[qubit] == "X"]
    made += [ops.Measure(qubit, qubit) for qubit in (0, 1)]
    return ops.Program(2, 2, tuple(made), (ops.Register("", (0, 1)),), {})


@pytest.mark.parametrize(("name", "key", "part"), PARTS)
@pytest.mark.parametrize("bases", ["ZZ", "XX", "ZX"])
def test_a_cnot_costs_what_its_operations_cost(name, key, part, bases):
    known = only(name, key, part)
    lowered = lower(programs.cnot(*bases), known)
    operations = flips(lowered.program, tuple(cbits for cbits, _ in lowered.parities))
    gate = flips(ideal(*bases, known), ((0,), (1,)))  # pyright: ignore[reportCallIssue]
    assert operations.keys() == gate.keys()
    assert all(abs(operations[at] / gate[at] - 1) < 1e-9 for at in gate)


def test_every_part_of_a_merge_is_seen_by_some_basis():
    for name, key, part in PARTS:
        known = only(name, key, part)
        assert any(flips(ideal(*bases, known), ((0,), (1,))) for bases in ("ZZ", "XX", "ZX")), (name, key, part)  # pyright: ignore[reportCallIssue]


def test_a_t_is_a_merge_and_an_s():
    """The state is joined and read once, and so is the |Y> of the S, which is due in half of the shots."""
    state_error = 1e-2
    s, t = (costs.gate(KNOWN, name, state_error).total() for name in ("s", "t"))
    near = KNOWN.merge["Z"]
    merge = 2 * near.before + near.after + near.outcome + near.other + KNOWN.away["Z"]
    waits = 2 * KNOWN.cycle["X"] + 2 * KNOWN.cycle["Z"]
    assert s == pytest.approx(merge + waits, rel=1e-12)
    assert t == pytest.approx(s + merge + state_error, rel=1e-12)


def test_a_cz_is_a_cnot_between_two_h():
    """The same flips with X and Z of the target exchanged."""
    cnot, cz = (costs.gate(KNOWN, name, 0.0) for name in ("cnot", "cz"))
    assert cz.one[0] == cnot.one[0]
    assert cz.one[1] == {"X": cnot.one[1]["Z"], "Z": cnot.one[1]["X"]}
    assert cz.two == {"XZ": cnot.two["XX"], "ZX": cnot.two["ZZ"]}


def test_no_readout_is_free_of_errors():
    """A patch that is prepared and read has lived for a cycle: X of it is seen, as often as the table says."""
    for body in ("c[0] = measure q[0];", "x q[0]; c[0] = measure q[0];", "reset q[0]; c[0] = measure q[0];"):
        made, report = on_machine("surface(d=5)", "p=1e-3", to_graph(HEAD + body))
        assert report.cycles == 1
        flip = sum(node.args.get("px", 0) + node.args.get("py", 0) for node in made.nodes if node.op == "noise.pauli")
        assert flip == pytest.approx(probability(KNOWN.cycle["X"]), rel=1e-9)


def test_readout_errs_less_at_a_larger_distance_by_the_report():
    rates = [
        on_machine(f"surface(d={d})", "p=1e-3", to_graph(HEAD + "c = measure q;"))[1].logical_error_per_shot
        for d in (3, 5, 7, 9)
    ]
    assert all(4 * low < high for high, low in itertools.pairwise(rates))
    assert rates[-1] > 0


def test_a_patch_that_is_not_there_does_not_wait():
    """What was reset, or never begun, is prepared when it is wanted; what was measured holds its outcome."""
    gates = "h q[0]; h q[0]; cx q[0], q[1]; c[0] = measure q[0]; c[1] = measure q[1];"

    def waited(body: str) -> float:
        return on_machine("surface(d=5)", "p=1e-3", to_graph(HEAD + body + gates))[1].logical_error_per_shot

    late, fresh, held = (waited(body) for body in ("", "h q[1]; reset q[1];", "h q[1]; c[1] = measure q[1];"))
    one_h = costs.gate(KNOWN, "h", 0.0).total()
    three_cycles = costs.wait(KNOWN, 3).total()
    assert fresh == pytest.approx(late + one_h, rel=0.01)
    assert held == pytest.approx(late + one_h + three_cycles, rel=0.01)


def test_what_depends_on_an_outcome_waits_for_its_decoder():
    def cycles(gate: str, reaction: int) -> int:
        body = f"h q[0]; c[0] = measure q[0]; if (c[0] == 1) {{ {gate} q[1]; }} h q[1]; c[1] = measure q[1];"
        return on_machine(f"surface(d=5),reaction={reaction}", "p=1e-3", to_graph(HEAD + body))[1].cycles

    assert (cycles("h", 0), cycles("h", 7)) == (9, 11)
    assert (cycles("x", 0), cycles("x", 7)) == (3, 3)  # a Pauli is a frame
