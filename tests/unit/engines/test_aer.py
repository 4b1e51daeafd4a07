"""The Aer engine: bit order, wide registers, conditions, seeds, and failing rather than sampling another state."""

from __future__ import annotations

import itertools
import os
import pickle
import signal
import subprocess
import sys

import numpy as np
import pytest

from qmk.base.errors import QmkError
from qmk.engines.aer import METHODS, bond_cap, probe_lengths, small_bond
from qmk.engines.aer import engine as aer_engine
from qmk.engines.aer.engine import AerEngine, AerPlan, unpack
from qmk.exact.simulator import exact_distribution
from qmk.ir import bits
from qmk.ir.lower import lower
from qmk.ir.program import Gate, Measure, Program
from qmk.sdk.engine import Unsupported
from qmk.sdk.kit.builder import Builder, all_of, any_of, when
from qmk.sdk.kit.random_programs import random_case
from qmk.sdk.kit.statistics import check


def prepare(b: Builder, method: str = "statevector") -> AerPlan:
    return AerEngine().prepare(lower(b.graph(), METHODS[method].gates), method)  # pyright: ignore[reportReturnType]


@pytest.mark.parametrize("width", [1, 8, 63, 64, 65, 130])
def test_words_unpack_with_bit_k_as_cbit_k(width: int) -> None:
    dice = np.random.Generator(np.random.PCG64(width))
    matrix = (dice.random((50, width)) < 0.5).astype(np.uint8)
    words = [hex(sum(int(bit) << k for k, bit in enumerate(row))) for row in matrix]
    assert np.array_equal(unpack(words, 50, width), matrix)


def test_missing_shots_are_a_failure() -> None:
    with pytest.raises(QmkError, match="returned 1 shots of 2"):
        unpack(["0x0"], 2, 1)


@pytest.mark.parametrize("method", ["statevector", "matrix_product_state", "density_matrix"])
def test_conditions_on_bits_beyond_one_word(method: str) -> None:
    """Ninety classical bits; a guard reads the first, the middle and the last."""
    b = Builder(2).op("x", 0)
    events = [b.measure(0) if k % 3 == 0 else b.measure(1) for k in range(90)]
    b.op("x", 1, guard=all_of(when(events[0]), when(events[45]), when(events[89], 0)))
    last = b.measure(1)
    b.op("x", 0, guard=any_of(*(when(event) for event in events[1::3])))
    b.measure(0)
    matrix = prepare(b, method).run(20, 1).bits
    want = [int(k % 3 == 0) for k in range(90)] + [1, 1]
    assert last == "e90"
    assert (matrix == want).all()


def test_gate_under_a_condition_is_not_sampled_as_unconditional() -> None:
    """Aer's own conditional gates are, where the program ends right after them; jumps are not."""
    b = Builder(2).op("h", 0)
    event = b.measure(0)
    b.op("x", 1, guard=when(event, 0))
    b.measure(1)
    matrix = prepare(b).run(200, 1).bits
    assert (matrix[:, 0] != matrix[:, 1]).all()


def test_logic_that_only_is_printed_keeps_the_program_static() -> None:
    b = Builder(2).op("h", 0)
    x, y = b.measure(0), b.measure(1)
    b.op("lut", produces=("or",), inputs=(x, y), table=0b1110)
    b.events.append("or")
    plan = prepare(b)
    assert not plan.circuit.dynamic
    matrix = plan.run(100, 1).bits
    assert (matrix[:, 2] == matrix[:, 0] | matrix[:, 1]).all()


def test_constant_logic_can_steer() -> None:
    b = Builder(1).op("lut", produces=("one",), table=1)
    b.events.append("one")
    b.op("x", 0, guard=when("one"))
    b.measure(0)
    assert prepare(b).run(5, 1).bits.tolist() == [[1, 1]] * 5


def test_dynamic_programs_run_in_chunks_with_seeds_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aer_engine, "CHUNK_SHOTS", 16)
    b = Builder(1)
    for _ in range(40):
        b.op("h", 0)
        b.measure(0)
    seen: list[int] = []
    matrix = prepare(b).run(48, 7, lambda done, bits=None: seen.append(done)).bits
    assert seen == [16, 32, 48]
    assert len({row.tobytes() for row in matrix}) == 48  # equal rows have probability 2^-40


def test_a_plan_pickles_without_aers_objects() -> None:
    plan = prepare(Builder(2).op("h", 0).op("cnot", 0, 1).measure_all())
    again = pickle.loads(pickle.dumps(plan))
    assert "built" not in again.__dict__
    assert np.array_equal(plan.run(50, 3).bits, again.run(50, 3).bits)


def test_modified_gates_of_many_controls_run_natively() -> None:
    b = Builder(9)
    for q in range(8):
        b.op("x", q)
    b.op("mod", *range(9), gate="x", controls=8).op("mod", 0, 1, 8, gate="x", controls=2, state="10").measure_all()
    assert prepare(b).run(3, 1).bits.tolist() == [[1] * 9] * 3


def entangler(qubits: int, layers: int = 6) -> Builder:
    b = Builder(qubits)
    for layer in range(layers):
        for q in range(qubits):
            b.op("ry", q, theta=0.4 + 0.3 * q + layer)
        for q in range(layer % 2, qubits - 1, 2):
            b.op("cnot", q, q + 1)
    return b.measure_all()


@pytest.mark.parametrize("method", ["matrix_product_state", "small_bond"])
def test_a_state_that_outgrows_the_bond_cap_fails(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aer_engine, "bond_cap", lambda _n: 4)
    monkeypatch.setattr(aer_engine, "small_bond", lambda *_: 4)
    plan = prepare(entangler(10), method)
    assert plan.cap == 4
    with pytest.raises(QmkError, match="more entangled than bond dimension 4") as failed:
        plan.run(10, 1)
    assert failed.value.kind.name == "RESOURCE_EXHAUSTED"
    assert failed.value.fields["needed_bytes"] == 16 << 10


@pytest.mark.parametrize("cap", [8, 16])
def test_a_capped_state_within_its_cap_is_exact(cap: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two comparisons, each failing by chance with probability at most 1e-9."""
    monkeypatch.setattr(aer_engine, "bond_cap", lambda _n: cap)
    b = entangler(10, layers=4)
    plan = AerEngine().prepare(lower(b.graph(), METHODS["matrix_product_state"].gates), "matrix_product_state")
    assert plan.cap == (cap if cap < 32 else None)  # pyright: ignore[reportAttributeAccessIssue]
    exact = exact_distribution(plan.program)  # pyright: ignore[reportAttributeAccessIssue]
    assert check(bits.counts(plan.program.registers, plan.run(3000, 2).bits), exact, 1e-9) == ""  # pyright: ignore[reportAttributeAccessIssue]
    assert plan.run(10, 1).notes["max_bond_dimension"] == cap


def test_a_dynamic_state_that_outgrows_the_cap_fails_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aer_engine, "bond_cap", lambda _n: 4)
    b = entangler(10)
    b.op("x", 0, guard=when("e0"))
    b.measure(0)
    with pytest.raises(QmkError, match="bond dimension 4"):
        prepare(b, "matrix_product_state").run(10, 1)


def test_a_crash_of_aer_ends_the_attempt_not_the_caller(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aer_engine, "bond_cap", lambda _n: 4)
    plan = prepare(entangler(10), "matrix_product_state")
    monkeypatch.setattr(AerPlan, "_probe", lambda _self: os.kill(os.getpid(), signal.SIGSEGV))
    with pytest.raises(QmkError, match="ended with SIGSEGV") as failed:
        plan.run(10, 1)
    assert failed.value.kind.name == "RESOURCE_EXHAUSTED"


def test_a_failed_attempt_leaves_no_trace_for_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aer_engine, "bond_cap", lambda _n: 4)
    with pytest.raises(QmkError):
        prepare(entangler(10), "matrix_product_state").run(10, 1)
    simple = prepare(Builder(10).op("h", 0).op("cnot", 0, 1).measure_all(), "matrix_product_state")
    assert simple.cap == 4
    assert simple.run(10, 1).bits.shape == (10, 10)


def test_prefixes_grow_by_half_and_by_the_stride() -> None:
    assert probe_lengths(100, 800) == []
    assert probe_lengths(1000, 800) == [200, 300, 450, 675]
    long = probe_lengths(20_000, 800)
    assert max(b - a for a, b in itertools.pairwise(long)) == 800
    assert long[-1] < 20_000


def test_caps_follow_memory_and_time() -> None:
    for n in (10, 30, 100, 1000):
        assert 96 * n * bond_cap(n) ** 2 <= 4 << 30 < 96 * n * (2 * bond_cap(n)) ** 2
    assert small_bond(30, 50, 20) >= small_bond(30, 500, 200) >= small_bond(100, 5000, 2000) == 8


@pytest.mark.parametrize("method", ["extended_stabilizer", "small_bond"])
def test_static_methods_refuse_what_they_would_get_wrong(method: str) -> None:
    used_again = Program(1, 1, (Gate("h", (0,)), Measure(0, 0), Gate("h", (0,))), (), {})
    for bad in (used_again, Program(1, 1, (Measure(0, 0, ("bit", 0)),), (), {})):
        with pytest.raises(Unsupported, match=method):
            AerEngine().prepare(bad, method)


def test_too_little_memory_is_told_by_aer_itself() -> None:
    with pytest.raises(QmkError) as failed:
        prepare(Builder(40).op("h", 39).measure_all()).run(1, 1)
    assert failed.value.kind.name == "RESOURCE_EXHAUSTED"


@pytest.mark.parametrize("seed", range(6))
def test_random_dynamic_programs_agree_with_the_exact_distribution(seed: int) -> None:
    """Six comparisons, each failing by chance with probability at most 1e-9."""
    case = random_case(500 + seed, clifford=False, dynamic=True, qubits=3, nodes=30)
    program = lower(case.graph, METHODS["statevector"].gates)
    plan = AerEngine().prepare(program, "statevector")
    assert check(bits.counts(program.registers, plan.run(1500, seed).bits), exact_distribution(program), 1e-9) == ""


def test_a_run_loads_the_simulator_and_not_all_of_qiskit() -> None:
    """Importing Qiskit takes ten times as long as loading the simulator: each first job would wait for it."""
    script = (
        "import sys\n"
        "from qmk.frontends import load\n"
        "from qmk.worker.runner import execute\n"
        "text = b'OPENQASM 2.0; include \"qelib1.inc\"; qreg q[2]; creg c[2]; h q[0]; t q[0]; measure q->c;'\n"
        "for method in 'statevector matrix_product_state density_matrix extended_stabilizer small_bond'.split():\n"
        "    execute('aer', load(text).graph, method, 10, 1)\n"
        "print(sorted(name for name in sys.modules if name.startswith('qiskit')))\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "['qiskit_aer.backends.controller_wrappers']"


def test_qiskit_imported_later_finds_the_same_simulator() -> None:
    script = (
        "from qmk.engines.aer.wrappers import simulator\n"
        "mine = simulator()\n"
        "from qiskit_aer.backends import controller_wrappers\n"
        "assert controller_wrappers is mine\n"
        "from qiskit import QuantumCircuit\n"
        "from qiskit_aer import AerSimulator\n"
        "circuit = QuantumCircuit(1, 1)\n"
        "circuit.x(0)\n"
        "circuit.measure(0, 0)\n"
        "print(AerSimulator().run(circuit, shots=5).result().get_counts())\n"
    )
    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "{'1': 5}"
