"""A run whose state changes its kind gives the bits of one whose state does not, and the exact distribution.

Each statistical test fails by chance with probability at most 1e-9.
"""

from __future__ import annotations

import pickle
import random
from collections.abc import Sequence

import numpy as np
import pytest

import qmk
from qmk.base.errors import QmkError
from qmk.engines.segments import chain, tableau
from qmk.engines.segments.engine import MovingBackend, SegmentsEngine
from qmk.engines.segments.gates import Gates
from qmk.engines.segments.vector import VectorState
from qmk.exact.dense import NumpyCircuit
from qmk.exact.simulator import exact_distribution
from qmk.ir.program import Fence, Gate, Instruction, Logic, Measure, PauliNoise, Program, Register, Reset
from qmk.ir.segments import KINDS, Kind, epoch_kinds, plan, with_fences
from qmk.sdk.engine import Unsupported
from qmk.sdk.kit.statistics import check

ENGINE = SegmentsEngine()


def program(items: Sequence[Instruction], qubits: int, cbits: int) -> Program:
    return Program(qubits, cbits, tuple(items), (Register("", tuple(range(cbits))),), {})


def clifford(rnd: random.Random, qubits: int, count: int) -> list[Instruction]:
    out: list[Instruction] = []
    for _ in range(count):
        name = rnd.choice(["h", "s", "sx", "x", "cnot", "cz", "swap", "rz"])
        on = tuple(rnd.sample(range(qubits), 2 if name in ("cnot", "cz", "swap") else 1))
        out.append(Gate(name, on, (np.pi / 2,) if name == "rz" else ()))
    return out


def rich(rnd: random.Random, qubits: list[int], count: int) -> list[Instruction]:
    out: list[Instruction] = []
    for _ in range(count):
        name = rnd.choice(["t", "ry", "cnot", "cp"])
        on = tuple(rnd.sample(qubits, 2 if name in ("cnot", "cp") else 1))
        out.append(Gate(name, on, (rnd.random(),) if name in ("ry", "cp") else ()))
    return out


def three_epochs(seed: int) -> Program:
    """Clifford gates with measurements and noise, magic on some qubits with feed-forward, then magic on all."""
    rnd = random.Random(seed)
    parity = Logic(0b0110, (0, 1), 2)
    first = [*clifford(rnd, 5, 30), Measure(2, 0), PauliNoise(1, 0.1, 0.05, 0.0), Reset(4), *clifford(rnd, 5, 8)]
    second = [*rich(rnd, [0, 1, 3], 20), Measure(1, 1), parity, Gate("x", (4,), (), ("bit", 2)), Reset(1)]
    third = [*rich(rnd, list(range(5)), 15), *(Measure(qubit, 3 + qubit) for qubit in range(5))]
    return program([*first, Fence(epoch=1), *second, Fence(epoch=2), *third], 5, 8)


PLANS: list[tuple[Kind, ...]] = [
    ("tableau", "vector", "chain"),
    ("tableau", "chain", "vector"),
    ("vector", "chain", "vector"),
    ("chain", "vector", "chain"),
    ("chain",),
]


@pytest.mark.parametrize("kinds", PLANS, ids="-".join)
@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_that_changes_its_kind_twice_has_the_bits_of_an_undisturbed_one(kinds: tuple[Kind, ...], seed: int):
    made = three_epochs(seed)
    undisturbed = ENGINE.along(made, ("vector",)).run(2000, 11)
    moved = ENGINE.along(made, kinds).run(2000, 11)
    assert np.array_equal(moved.bits, undisturbed.bits)
    assert 0 <= moved.notes["infidelity_bound"] < 1e-9
    assert [row["kind"] for row in moved.notes["segments"]] == list(kinds * 3 if len(kinds) == 1 else kinds)
    other = ENGINE.along(made, kinds).run(2000, 12)
    assert not np.array_equal(other.bits, moved.bits)


def test_a_run_of_several_kinds_follows_the_exact_distribution():
    made = three_epochs(3)
    found = ENGINE.along(made, ("tableau", "vector", "chain")).run(20_000, 5).bits
    counts: dict[str, int] = {}
    for row in found:
        key = "".join(map(str, row.tolist()))
        counts[key] = counts.get(key, 0) + 1
    exact = {"".join(map(str, key)): chance for key, chance in exact_distribution(made).items()}
    check(counts, exact, 1e-9)


def test_shots_in_many_chunks_have_the_bits_of_one_chunk():
    made = three_epochs(4)
    whole = ENGINE.along(made, ("tableau", "vector", "chain"))
    parts = pickle.loads(pickle.dumps(whole))
    object.__setattr__(parts, "backend", MovingBackend(5, 1 << 26))
    assert parts.chunk(500) < 500 == whole.chunk(500)
    assert np.array_equal(parts.run(500, 3).bits, whole.run(500, 3).bits)


def test_a_run_is_saved_at_each_fence_goes_on_elsewhere_and_refuses_what_is_damaged():
    made = three_epochs(5)
    found = ENGINE.along(made, ("tableau", "vector", "chain"))
    wanted = found.run(300, 9).bits
    run = found.start(300, 9)
    for _ in range(2):
        run.advance()
        run = pickle.loads(pickle.dumps(found)).resume(run.save())
    assert run.epoch == 2
    saved = run.save()
    while run.advance():
        pass
    assert np.array_equal(run.samples().bits, wanted)
    with pytest.raises(Unsupported, match="library version"):
        ENGINE.along(made, ("tableau", "vector", "vector")).resume(saved)
    for at in range(0, len(saved), max(1, len(saved) // 60)):
        damaged = saved[:at] + bytes([saved[at] ^ 0x41]) + saved[at + 1 :]
        try:
            found.resume(damaged)
        except Unsupported:
            continue


def test_states_of_other_bytes_are_not_loaded():
    backend = MovingBackend(3, 0)
    state = backend.zero()
    state.apply(backend.compile((Gate("h", (0,)), Gate("cnot", (0, 2)))))
    for kind in KINDS:
        state.become(kind)
        again = backend.load(state.to_bytes())
        assert again.inner.kind == kind
        assert state.distance(again) < 1e-7, "of a chain by the root of what rounding leaves"
        for wrong in (b"", b"?", state.to_bytes()[:-1], state.to_bytes()[:1] + b"\xff" * 40):
            with pytest.raises(ValueError, match=r"."):
                backend.load(wrong)


def random_vector(qubits: int, seed: int) -> VectorState:
    rnd = np.random.default_rng(seed)
    amplitudes = rnd.normal(size=1 << qubits) + 1j * rnd.normal(size=1 << qubits)
    return VectorState(list(range(qubits)), amplitudes / np.linalg.norm(amplitudes), np.zeros(qubits, np.uint8))


@pytest.mark.parametrize("seed", range(8))
def test_a_stabilizer_state_is_written_out_exactly(seed: int):
    rnd = random.Random(seed)
    gates = tuple(item for item in clifford(rnd, 6, 60) if isinstance(item, Gate))
    state = tableau.zero(6)
    state.apply(Gates(6, gates))
    vector = tableau.to_vector(state)
    vector.admit([qubit for qubit in range(6) if qubit not in vector.order])
    zero = np.zeros(64, dtype=np.complex128)
    zero[0] = 1
    wanted = NumpyCircuit(6, gates)(zero)
    assert abs(np.vdot(wanted, vector.in_order()[1])) == pytest.approx(1, abs=1e-13)
    back = tableau.of_vector(vector)
    assert back.distance(state) == 0
    assert chain.of_tableau(state).distance(chain.of_amplitudes(vector)) < 1e-7


def test_a_wide_stabilizer_state_becomes_a_chain_by_its_circuit():
    wide = chain.VECTOR_FIRST + 6
    gates = (Gate("h", (0,)), *(Gate("cnot", (k, k + 1)) for k in range(wide - 1)), Gate("z", (3,)))
    state = tableau.zero(wide)
    state.apply(Gates(wide, gates))
    found = chain.of_tableau(state)
    assert found.chain.bond == 2
    assert chain.of_amplitudes(chain.to_amplitudes(found)).distance(found) < 1e-7
    found.project(wide - 1, 1)
    assert [found.chance(qubit) for qubit in range(wide)] == pytest.approx([1.0] * wide)


def test_a_vector_becomes_a_chain_and_comes_back():
    vector = random_vector(7, 1)
    vector.known = np.append(vector.known, 1).astype(np.uint8)
    made = chain.of_amplitudes(vector)
    assert (made.chain.bond, made.chance(7)) == (8, pytest.approx(1))
    back = chain.to_amplitudes(made)
    assert back.order == list(range(7))
    assert abs(np.vdot(back.amplitudes, vector.amplitudes)) == pytest.approx(1, abs=1e-12)
    assert made.chance(2) == pytest.approx(vector.chance(2), abs=1e-12)
    made.project(2, 1)
    vector.project(2, 1)
    assert abs(np.vdot(chain.to_amplitudes(made).amplitudes, vector.amplitudes)) == pytest.approx(1, abs=1e-12)


def test_changes_that_no_kind_can_take_are_refused():
    magic = program([Gate("h", (0,)), Gate("t", (0,)), Fence(epoch=1), Gate("h", (1,)), Measure(0, 0)], 2, 1)
    with pytest.raises(Unsupported, match="gate t is not a Clifford gate"):
        ENGINE.along(magic, ("tableau", "vector"))
    with pytest.raises(QmkError, match="at fence 1: the state is not a stabilizer state"):
        ENGINE.along(magic, ("vector", "tableau")).run(10, 1)
    with pytest.raises(QmkError, match="at fence 1: the state is not a stabilizer state"):
        ENGINE.along(magic, ("chain", "tableau")).run(10, 1)
    with pytest.raises(Unsupported, match="3 kinds for 2 epochs"):
        ENGINE.along(magic, ("vector", "chain", "vector"))
    plain = program([Gate("h", (0,)), Gate("s", (0,)), Fence(epoch=1), Gate("h", (1,)), Measure(0, 0)], 2, 1)
    assert ENGINE.along(plain, ("vector", "tableau")).run(10, 1).bits.shape == (10, 1)
    everything = program([Gate("h", (qubit,)) for qubit in range(30)] + [Fence(epoch=1), Measure(0, 0)], 30, 1)
    with pytest.raises(QmkError, match=r"at fence 1: 30 qubits .* a vector holds 26"):
        ENGINE.along(everything, ("tableau", "vector")).run(1, 1)
    with pytest.raises(MemoryError, match="26 are allowed"):
        ENGINE.along(everything, ("vector", "chain")).run(1, 1)


def wide_after_deep(wide: int, deep: int, ops: int) -> str:
    """A deep block of qubits, one of which is measured and decides a gate; then two sweeps over many more, so that
    every qubit depends on every other but hardly any is entangled with far ones."""
    rnd = random.Random(1)
    lines = [
        f"ry({rnd.random():.3f}) q[{rnd.randrange(deep)}]; t q[{rnd.randrange(deep)}]; cx q[{a}],q[{b}];"
        for a, b in (rnd.sample(range(deep), 2) for _ in range(ops))
    ]
    lines += ["measure q[0] -> h[0];", "if (h==1) x q[1];"]
    for sweep in (range(wide - 1), range(wide - 2, -1, -1)):
        lines += [f"rx({rnd.random():.3f}) q[{qubit}];" for qubit in range(wide)]
        for k in sweep:
            lines.append(f"cx q[{k}],q[{k + 1}]; rz(0.3) q[{k + 1}]; cx q[{k}],q[{k + 1}];")
            lines.append(f"ry(0.2) q[{k}]; ry(0.4) q[{k + 1}];")
    head = f'OPENQASM 2.0; include "qelib1.inc"; qreg q[{wide}]; creg c[{wide}]; creg h[1];\n'
    return head + "\n".join(lines) + "\nmeasure q -> c;\n"


def test_the_router_takes_a_division_that_is_predicted_to_pay_and_says_so():
    text = wide_after_deep(40, 8, 400)
    result = qmk.run(text, shots=50, seed=3)
    assert result.provenance.engine == "segments"
    notes = result.provenance.notes
    assert [row["kind"] for row in notes["segments"]][-1] == "chain"
    assert notes["segments"][0]["kind"] == "vector"
    assert notes["infidelity_bound"] < 1e-9
    reasons = {row["engine"]: row for row in result.provenance.reasons if row.get("chosen")}
    assert "then chain of 40 qubits" in reasons["segments"]["reason"]
    assert qmk.run(text, shots=50, seed=3, engine="segments").counts == result.counts
    assert qmk.run(text, shots=50, seed=3, engine="segments:chain").counts == result.counts


def test_a_program_is_divided_where_its_kind_changes_and_one_with_fences_at_those():
    rnd = random.Random(2)
    items: list[Instruction] = [*clifford(rnd, 12, 40), *rich(rnd, [0, 1, 2], 40)]
    plain = program([*items, *(Measure(qubit, qubit) for qubit in range(12))], 12, 12)
    found = plan(plain)
    assert found is not None
    assert found.segments[0].start == 0
    assert found.segments[-1].stop == 80
    fenced = with_fences(plain, found)
    assert sum(isinstance(item, Fence) for item in fenced.instructions) == len(found.segments) - 1
    assert epoch_kinds(plain, found) == found.kinds
    own = three_epochs(1)
    kept = plan(own)
    assert kept is not None
    assert with_fences(own, kept) is own
    assert len(epoch_kinds(own, kept)) == 3
    assert all(seconds > 0 for _, seconds in kept.points)
