"""The plug-in engines: random programs against exact ones, what is loaded, bounds, and being stopped."""

from __future__ import annotations

import importlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest

from qmk.api.embedded import Embedded
from qmk.base.errors import QmkError
from qmk.engines import clifft, ddsim, lightning, qsim, quimb, qulacs
from qmk.engines.qsim import engine as qsim_engine
from qmk.engines.quimb import engine as quimb_engine
from qmk.exact.simulator import exact_distribution
from qmk.ir import bits
from qmk.ir.lower import lower
from qmk.ir.program import Program
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.graph import Graph, pack
from qmk.router import choose
from qmk.router.features import features
from qmk.sdk.engine import Declaration, Plan, Unsupported
from qmk.sdk.kit.builder import Builder
from qmk.sdk.kit.statistics import check
from qmk.worker.process import memory_at_most

HERE = [qsim, qulacs, lightning, ddsim, quimb]
METHODS = [(module.DECLARATION, method) for module in HERE for method in module.DECLARATION.methods]
VECTORS = [(declaration, method) for declaration, method in METHODS if declaration.name not in ("ddsim", "quimb")]
NAMES = [f"{declaration.name}:{method}" for declaration, method in METHODS]


def engine_of(declaration: Declaration) -> object:
    module, _, name = declaration.load.partition(":")
    return getattr(importlib.import_module(module), name)()


def prepare(declaration: Declaration, method: str, b: Builder) -> tuple[Program, Plan]:
    program = lower(b.graph(), declaration.methods[method].gates, inline_logic=True)
    return program, engine_of(declaration).prepare(program, method)  # type: ignore[attr-defined]


def random_builder(seed: int, qubits: int, gates: int) -> Builder:
    """Any gate on any qubits, controlled and powered ones with any control values, some qubits not measured."""
    dice = np.random.Generator(np.random.PCG64(seed))
    b = Builder(qubits)
    for _ in range(gates):
        angle = float(dice.uniform(-3, 3))
        order = dice.permutation(qubits).tolist()
        match int(dice.integers(8)):
            case 0:
                b.op("u", order[0], theta=angle, phi=0.7, lam=-angle)
            case 1:
                b.op(str(dice.choice(["h", "s", "t", "sx", "sxdg", "tdg", "y"])), order[0])
            case 2:
                b.op(str(dice.choice(["cnot", "cy", "cz", "ch", "swap", "iswap", "iswapdg"])), *order[:2])
            case 3:
                b.op(str(dice.choice(["crx", "cry", "crz", "rxx", "ryy", "rzz"])), *order[:2], theta=angle)
            case 4:
                b.op(str(dice.choice(["toffoli", "ccz", "cswap"])), *order[:3])
            case 5:
                b.op("cp", *order[:2], lam=angle)
            case 6:
                state = "".join(map(str, dice.integers(2, size=2)))
                params = {"theta": angle, "phi": 0.2, "lam": 0.9}
                b.op("mod", *order[:3], gate="u", controls=2, state=state, params=params)
            case _:
                state = "".join(map(str, dice.integers(2, size=2)))
                b.op("mod", *order[:2], gate="gphase", controls=2, state=state, params={"gamma": angle})
    for qubit in dice.permutation(qubits)[: max(1, qubits - 1)].tolist():
        b.measure(qubit)
    return b


@pytest.mark.parametrize(("declaration", "method"), METHODS, ids=NAMES)
@pytest.mark.parametrize("seed", range(6))
def test_random_programs_agree_with_the_exact_distribution(declaration: Declaration, method: str, seed: int) -> None:
    """42 comparisons, each failing by chance with probability at most 1e-9."""
    b = random_builder(seed, qubits=3 + seed % 4, gates=12 + 6 * seed)
    program, plan = prepare(declaration, method, b)
    seen = bits.counts(program.registers, plan.run(3000, seed).bits)
    assert check(seen, exact_distribution(lower(b.graph(), ALL_GATES)), 1e-9) == ""


@pytest.mark.parametrize(("declaration", "method"), METHODS, ids=NAMES)
def test_a_plan_pickles_and_gives_the_same_bits(declaration: Declaration, method: str) -> None:
    _, plan = prepare(declaration, method, random_builder(11, 4, 20))
    again = pickle.loads(pickle.dumps(plan))
    first = plan.run(100, 5).bits
    assert np.array_equal(first, again.run(100, 5).bits)
    assert np.array_equal(first, plan.run(100, 5).bits)
    assert not np.array_equal(first, plan.run(100, 6).bits)


@pytest.mark.parametrize(("declaration", "method"), METHODS, ids=NAMES)
def test_an_unknown_method_is_refused(declaration: Declaration, method: str) -> None:
    with pytest.raises(Unsupported, match="has no method 'other'"):
        engine_of(declaration).prepare(Program(1, 0, (), (), {}), "other")  # type: ignore[attr-defined]


def child(script: str, sent: bytes = b"") -> str:
    """The last line that a process of its own prints; what it imports and takes is its own."""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, "-c", script], input=sent, capture_output=True, check=True, env=environment)
    return done.stdout.decode().splitlines()[-1]


def grown(engine: str, graph: Graph) -> int:
    """By how many bytes a process grows at most while it runs ``graph``, its library loaded and warm."""
    return int(
        child(
            f"""
import sys
from qmk.qvm.graph import unpack
from qmk.worker.runner import Runner
from qmk.sdk.kit.builder import Builder
from qmk.worker.memory import Peak
name, _, method = "{engine}".partition(":")
graph, runner, peak = unpack(sys.stdin.buffer.read()), Runner(name), Peak()
runner.execute(Builder(2).op("h", 0).measure_all().graph(), method, 10, 1)
peak.reset()
before = int(open("/proc/self/statm").read().split()[1]) * 4096
runner.execute(graph, method, 1000, 1)
print(peak.bytes() - before)
""",
            pack(graph),
        )
    )


def loads(engine: str) -> set[str]:
    """Top-level modules that running ``engine`` loads; the test's own imports are not among them."""
    script = f"""
import sys
from qmk.worker.runner import Runner
from qmk.sdk.kit.builder import Builder
name, _, method = "{engine}".partition(":")
Runner(name).execute(Builder(2).op("h", 0).op("cnot", 0, 1).measure_all().graph(), method, 10, 1)
print("\\n" + " ".join({{name.partition(".")[0] for name in sys.modules}}))
"""
    return set(child(script).split())


@pytest.mark.parametrize(
    ("engine", "frameworks"),
    [
        ("qsim", {"cirq", "pandas", "matplotlib", "sympy", "scipy"}),
        ("lightning:f32", {"pennylane", "autograd", "scipy", "jax"}),
        ("ddsim", {"qiskit", "scipy"}),
        ("qulacs", {"matplotlib"}),
    ],
)
def test_an_engine_loads_its_simulator_and_no_framework_round_it(engine: str, frameworks: set[str]) -> None:
    assert not loads(engine) & frameworks


@pytest.mark.parametrize("engine", ["qsim", "qulacs", "lightning:f32", "lightning:f64"])
def test_no_more_memory_is_taken_than_was_predicted(engine: str) -> None:
    name, _, method = engine.partition(":")
    declaration = next(module.DECLARATION for module in HERE if module.DECLARATION.name == name)
    graph = random_builder(2, 21, 12).graph()
    predicted = declaration.cost(method, features(graph), 1000).memory_bytes
    assert 0.95 * (1 << 24) < grown(engine, graph) <= predicted, "the state, and no more than was said"


def test_qsim_without_room_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """qsim prints to standard error and returns nothing."""

    class Full:
        def __getattr__(self, name: str) -> object:
            return getattr(real, name)

        def qsim_simulate_fullstate(self, *_: object) -> np.ndarray:
            return np.zeros(0, dtype=np.float32)

    real = qsim_engine.library()
    monkeypatch.setattr(qsim_engine, "library", Full)
    _, plan = prepare(qsim.DECLARATION, "", random_builder(1, 3, 5))
    with pytest.raises(QmkError, match="no room") as failed:
        plan.run(10, 1)
    assert failed.value.kind.name == "RESOURCE_EXHAUSTED"
    assert failed.value.fields["needed_bytes"] == 64


def entangler(qubits: int, layers: int) -> Builder:
    b = Builder(qubits)
    for layer in range(layers):
        for q in range(qubits):
            b.op("u", q, theta=0.4 + 0.3 * q + layer, phi=0.3 * layer, lam=0.1 * q)
        for q in range(layer % 2, qubits - 1, 2):
            b.op("cnot", q, q + 1)
    return b.measure_all()


DIAGRAM_WITHOUT_ROOM = """
from qmk.base.errors import QmkError
from qmk.engines.ddsim import engine
from qmk.frontends import load
from qmk.worker.runner import Runner

def program(n, lines):
    text = f'OPENQASM 2.0; include "qelib1.inc"; qreg q[{n}]; creg c[{n}]; {lines} measure q -> c;'
    return load(text.encode()).graph

angles = [f"ry({0.1 * (k % 29 + 1)}) q[{k % 15}]; cx q[{k % 15}],q[{(k + k // 15 % 14 + 1) % 15}];" for k in range(300)]
engine.DIAGRAM_BYTES = 8 << 20
runner = Runner("ddsim")
try:
    runner.execute(program(15, " ".join(angles)), "", 10, 1)
except QmkError as full:
    print(full.kind.name, full.message)
engine.DIAGRAM_BYTES = 1 << 30
print(sorted(runner.execute(program(2, "h q[0]; cx q[0],q[1];"), "", 50, 1).counts))
"""


def test_a_diagram_that_outgrows_its_memory_fails_and_the_next_one_runs() -> None:
    """In a process of its own, as in its worker: one that has run long has freed memory to spare."""
    ran = subprocess.run([sys.executable, "-c", DIAGRAM_WITHOUT_ROOM], capture_output=True, text=True, check=False)
    first, second = ran.stdout.splitlines() or [ran.stderr, ""]
    assert first.startswith("RESOURCE_EXHAUSTED the decision diagram of this state takes more than 8.0 MiB")
    assert second == "['00', '11']"


def test_wide_states_with_structure_run_on_diagrams() -> None:
    b = Builder(100).op("h", 0)
    for q in range(99):
        b.op("cnot", q, q + 1)
    _, plan = prepare(ddsim.DECLARATION, "", b.measure_all())
    rows = plan.run(200, 1).bits
    assert {int(row.sum()) for row in rows} == {0, 100}
    assert 40 < int(rows[:, 0].sum()) < 160  # a fair coin leaves this range with probability below 1e-15


def test_a_bound_on_memory_ends_with_its_block() -> None:
    with pytest.raises(MemoryError), memory_at_most(64 << 20):
        np.ones(256 << 20, dtype=np.uint8)
    assert np.ones(256 << 20, dtype=np.uint8).nbytes == 256 << 20


def test_a_matrix_product_beyond_its_bond_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quimb_engine, "bond_cap", lambda _n: 4)
    _, plan = prepare(quimb.DECLARATION, "mps", entangler(10, 6))
    with pytest.raises(QmkError, match="more entangled than bond dimension 4") as failed:
        plan.run(10, 1)
    assert failed.value.kind.name == "RESOURCE_EXHAUSTED"


def test_a_contraction_too_large_is_refused_before_it_is_made(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quimb_engine, "CONTRACT_WIDTH", 3)
    _, plan = prepare(quimb.DECLARATION, "contract", entangler(8, 5))
    with pytest.raises(QmkError, match="contracting this program takes tensors of") as failed:
        plan.run(10, 1)
    assert failed.value.kind.name == "RESOURCE_EXHAUSTED"


def test_groups_of_measured_qubits_follow_each_other() -> None:
    """Twelve measured qubits are two groups: the second depends on the first. One comparison at 1e-9."""
    b = Builder(12).op("h", 0).op("ry", 5, theta=0.9)
    for q in range(11):
        b.op("cnot", q, q + 1)
    program, plan = prepare(quimb.DECLARATION, "contract", b.measure_all())
    seen = bits.counts(program.registers, plan.run(1000, 1).bits)
    assert check(seen, exact_distribution(lower(b.graph(), ALL_GATES)), 1e-9) == ""


def test_a_light_cone_of_a_wide_program_is_contracted() -> None:
    b = Builder(60)
    for q in range(60):
        b.op("ry", q, theta=0.1 + 0.02 * q)
    for q in range(59):
        b.op("cz", q, q + 1)
    b.measure(30)
    _, plan = prepare(quimb.DECLARATION, "contract", b)
    ones = int(plan.run(4000, 1).bits.sum())
    assert abs(ones / 4000 - np.sin((0.1 + 0.02 * 30) / 2) ** 2) < 0.055  # more than 6.9 standard errors


@pytest.mark.parametrize(
    ("engine", "build"),
    [
        ("qulacs", lambda: entangler(23, 60)),
        ("ddsim", lambda: entangler(18, 40)),
        ("quimb:mps", lambda: entangler(24, 40)),
    ],
)
def test_a_run_is_stopped_inside_the_library(engine: str, build: Callable[[], Builder]) -> None:
    """None of these libraries can be interrupted: the worker is killed."""
    with Embedded(isolate=True) as kernel:
        with pytest.raises(QmkError) as stopped:
            kernel.run(build().graph(), shots=10, seed=1, engine=engine, timeout_ms=1500)
        assert stopped.value.kind.name == "TIMEOUT"
        after = kernel.run(Builder(1).op("x", 0).measure_all().graph(), shots=5, seed=1, engine="reference")
        assert after.counts == {"1": 5}


@pytest.mark.parametrize("module", [*HERE, clifft], ids=lambda module: module.DECLARATION.name)
def test_costs_grow_with_the_program(module: object) -> None:
    declaration: Declaration = module.DECLARATION  # type: ignore[attr-defined]
    small, large = (features(entangler(n, layers).graph()) for n, layers in ((4, 2), (16, 12)))
    for method in declaration.methods:
        a, b = declaration.cost(method, small, 100), declaration.cost(method, large, 1000)
        assert 0 < a.seconds < b.seconds
        assert 0 < a.memory_bytes < b.memory_bytes


def test_a_dense_program_of_twenty_qubits_goes_to_single_precision() -> None:
    graph = entangler(20, 12).graph()
    there = {module.DECLARATION.name: module.DECLARATION for module in (qsim, qulacs)}
    decision = choose(features(graph), 1000, memory_bytes=8 << 30, declarations=there)
    assert decision.engine == "qsim"
    assert [candidate.name for candidate in decision.candidates] == ["qsim", "qulacs"]


def test_a_state_that_does_not_fit_is_refused_before_it_runs() -> None:
    graph = entangler(33, 2).graph()
    for module in (qsim, qulacs, lightning):
        with pytest.raises(QmkError) as refused:
            choose(
                features(graph),
                1000,
                memory_bytes=16 << 30,
                declarations={module.DECLARATION.name: module.DECLARATION},
            )
        assert refused.value.kind.name == "RESOURCE_EXHAUSTED"
        assert refused.value.fields["needed_bytes"] >= 8 << 33
