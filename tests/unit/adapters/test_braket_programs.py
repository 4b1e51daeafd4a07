"""Programs of Amazon Braket with feed-forward, both ways, held against the simulator of Braket's SDK."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from braket.circuits import Circuit
from braket.default_simulator import StateVectorSimulator
from braket.ir.openqasm import Program

import qmk
from qmk.base.errors import QmkError
from qmk.exact.simulator import exact_distribution
from qmk.frontends.braket.gates import GATES
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES

SHOTS = 20


def random_program(rng: random.Random) -> Program:
    """Gates with modifiers, measurements on the way, resets, nested branches and loops on three qubits."""
    lines = ["OPENQASM 3.0;", "qubit[3] q;", 'bit[4] b = "0000";', "b[3] = measure q[0];", *_block(rng, 0, 12)]
    lines += [f"b[{k}] = measure q[{k}];" for k in range(3)]
    return Program(source="\n".join([*lines, ""]))


def _block(rng: random.Random, depth: int, count: int) -> Iterator[str]:
    for _ in range(count):
        kind = rng.random()
        if kind < 0.55 or (depth == 2 and kind > 0.75):
            yield _gate(rng)
        elif kind < 0.68:
            yield f"b[{rng.randrange(4)}] = measure q[{rng.randrange(3)}];"
        elif kind < 0.75:
            yield f"reset q[{rng.randrange(3)}];"
        elif kind < 0.9:
            yield f"if ({_condition(rng)}) {{"
            yield from _block(rng, depth + 1, 2)
            if rng.random() < 0.5:
                yield "} else {"
                yield from _block(rng, depth + 1, 2)
            yield "}"
        else:
            yield f"for int i{depth} in [0:{rng.randrange(2)}] {{"
            yield from _block(rng, depth + 1, 2)
            yield "}"


def _gate(rng: random.Random) -> str:
    name = rng.choice(sorted(GATES))
    gate, qubits = GATES[name], rng.sample(range(3), 3)
    given = f"({', '.join(repr(rng.uniform(-3, 3)) for _ in range(gate.params))})" if gate.params else ""
    modifier = ""
    if gate.qubits < 3:
        modifier = rng.choice(["", "", "", "ctrl @ ", "negctrl @ ", "inv @ "])
    on = qubits[: gate.qubits + ("ctrl" in modifier)]
    return f"{modifier}{name}{given} {', '.join(f'q[{k}]' for k in on)};"


def _condition(rng: random.Random) -> str:
    one, two = (f"b[{rng.randrange(4)}] == {rng.randrange(2)}" for _ in range(2))
    return rng.choice([one, f"{one} && {two}", f"{one} || {two}", f"({one}) != ({two})"])


def chances(program: Program) -> dict[str, float]:
    """The exact distribution of the first four bits of register b, the highest bit leftmost. A program that is written
    may have more bits there, of values that are needed longer than what is printed leaves room for."""
    made = qmk.Circuit.from_object(program)
    ((name, size),) = [(register.name, len(register.bits)) for register in made._bit_registers if register.shown]
    assert name == "b"
    assert size >= 4
    found: dict[str, float] = {}
    for key, chance in exact_distribution(lower(made.graph, ALL_GATES)).items():
        found[key[-4:]] = found.get(key[-4:], 0.0) + chance
    return found


def check_program(seed: int) -> Program:
    """The same exact distribution of the same register. Gives what was written."""
    program = random_program(random.Random(seed))
    back = qmk.Circuit.from_object(program).to("braket")
    assert isinstance(back, Program)
    wanted, found = chances(program), chances(back)
    assert all(abs(found.get(key, 0.0) - wanted.get(key, 0.0)) < 1e-9 for key in {*found, *wanted}), seed
    return back


@pytest.mark.parametrize("seed", range(12))
def test_random_programs_come_back_and_brakets_simulator_draws_nothing_else(seed: int) -> None:
    """Not of all seeds: where a bit is measured several times before a branch, as of seed 151, Braket 1.41.2 takes an
    earlier value of it."""
    back = check_program(seed)
    wanted = chances(back)
    rows = StateVectorSimulator().run(back, shots=SHOTS).measurements
    if len(rows[0]) == 4:  # of a longer register Braket reports the bits that some branch has measured
        assert all(wanted.get("".join(reversed(row)), 0.0) > 1e-12 for row in rows), seed


def test_a_branch_a_reset_and_a_later_gate_make_a_program() -> None:
    made = qmk.Circuit(2, {"early": 1, "late": 1}).h(0).measure(0, "early")
    assert isinstance(made.to("braket"), Circuit)
    with made.if_("early"):
        made.x(1)
    made.measure(1, "late")
    assert set(qmk.run(made.to("braket"), shots=50, seed=1).counts) == {"00", "11"}
    for again in (qmk.Circuit(1).x(0).reset(0).measure_all(), qmk.Circuit(1, 1).measure(0, 0).x(0).measure(0, 0)):
        program = again.to("braket")
        assert isinstance(program, Program)
        rows = StateVectorSimulator().run(program, shots=5).measurements
        assert {"".join(row) for row in rows} == set(qmk.run(again, shots=5).counts)


def test_parameters_stay_inputs_of_a_program() -> None:
    made = qmk.Circuit(2, 2).rx(2 * qmk.Parameter("theta"), 0).measure(0, 0)
    with made.if_(0):
        made.xx_plus_yy(qmk.Parameter("theta"), 0.2, 0, 1)
    program = made.measure(1, 1).to("braket")
    assert "input float theta;" in program.source
    for theta in (0.0, 1.0):
        wanted = qmk.run(made, shots=300, seed=4, params={"theta": theta})
        assert qmk.run(program, shots=300, seed=4, params={"theta": theta}).counts == wanted.counts


def test_conditions_and_computed_bits_are_written() -> None:
    made = qmk.Circuit(3, {"a": 3, "d": 2}).h([0, 1, 2]).measure([0, 1, 2], "a").reset([0, 1, 2])
    low, mid, high = made.bits[:3]
    made.measure(0, "d[0]").assign("d[0]", (low ^ mid) | ~high)
    with made.if_("a", 5):
        made.x(0)
    with made.if_(~(low & ~mid)):
        made.y(1)
    made.measure_pauli("XZ", 0, 1, bit="d[1]").measure(2, "a[2]", basis="Y")
    back = made.to("braket")
    graph = qmk.Circuit.from_object(back).graph
    joined = {key.replace(" ", ""): chance for key, chance in exact_distribution(lower(made.graph, ALL_GATES)).items()}
    assert exact_distribution(lower(graph, ALL_GATES)) == pytest.approx(joined)
    rows = StateVectorSimulator().run(back, shots=50).measurements
    assert len(rows) == 50


def test_a_bit_that_is_read_on_the_way_shares_a_place_with_one_that_is_printed() -> None:
    program = Program(
        source="OPENQASM 3.0;\nqubit[2] q;\nbit b;\nh q[0];\nb = measure q[0];\n"
        "if (b == 1) {\nx q[1];\n}\nb = measure q[1];\n"
    )
    assert "bit[1] b" in qmk.Circuit.from_object(program).to("braket").source


def test_what_a_program_has_not_is_refused_where_it_stands() -> None:
    noisy = qmk.Circuit(1, 1).measure(0, 0)
    with noisy.if_(0):
        noisy.depolarize(0.1, 0)
    with pytest.raises(QmkError, match=r"op 2.*noise in a branch"):
        noisy.to("braket")
    asked = qmk.Circuit.from_object(Circuit().h(0).probability([0]))
    asked.reset(0)
    with pytest.raises(QmkError, match="result types beside feed-forward"):
        asked.to("braket")
    computed = qmk.Circuit(1, 2).h(0).measure(0, 0)
    computed.assign(1, ~computed.bits[0])
    with pytest.raises(QmkError, match=r"op 2.*only computed"):
        computed.to("braket")
