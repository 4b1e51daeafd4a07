"""QIR that is written: it reads back with the same meaning, and QIR's own runner gives the same outcomes."""

from __future__ import annotations

import importlib
import importlib.util
import math
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

import qmk
from qmk import frontends
from qmk.base.errors import QmkError
from qmk.circuit.building import PARAMS
from qmk.exact.simulator import exact_distribution
from qmk.frontends.qir import apart
from qmk.ir.lower import lower
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.qvm.graph import Graph
from tests.unit.frontends.qir_programs import Program

DATA = Path(__file__).parents[2] / "data" / "qir"
Distribution = Callable[..., dict[str, float]]

needs_llvm = pytest.mark.skipif(
    importlib.util.find_spec("pyqir") is None, reason="pyqir is not installed: pip install 'quantum-microkernel[qir]'"
)
needs_runner = pytest.mark.skipif(
    importlib.util.find_spec("qirrunner") is None, reason="qirrunner is not installed: pip install qirrunner"
)


def random_circuit(seed: int) -> qmk.Circuit:
    """Gates of every kind, measurements, resets and nested branches on four qubits."""
    rng = random.Random(seed)
    made = qmk.Circuit(4, {"a": 3, "b": 2})
    bits = ["a[0]", "a[1]", "a[2]", "b[0]", "b[1]"]
    names = [name for name in FIXED_SIZE if name not in ("gphase", "qasm_u")]

    def some(count: int, depth: int) -> None:
        for _ in range(count):
            kind = rng.random()
            if kind < 0.65:
                name = rng.choice(names)
                size = FIXED_SIZE[name].vqs.high or 1
                angles = [rng.uniform(-3, 3) for _ in PARAMS[name]]
                getattr(made, name)(*angles, *rng.sample(range(4), size))
            elif kind < 0.8:
                made.measure(rng.randrange(4), rng.choice(bits))
            elif kind < 0.85:
                made.reset(rng.randrange(4))
            elif depth < 2:
                with made.if_(*rng.choice([*[(bit, 1) for bit in bits], ("a[1]", 0), ("a", 2), ("b", 1)])):
                    some(3, depth + 1)
                if rng.random() < 0.5:
                    with made.else_():
                        some(2, depth + 1)

    some(14, 0)
    return made.measure(0, "a[0]").measure(1, "b[1]")


def chances(graph: Graph) -> dict[str, float]:
    return {key: chance for key, chance in exact_distribution(lower(graph, ALL_GATES)).items() if chance > 1e-12}


def there_and_back(seed: int) -> None:
    """A random circuit: its registers and distribution survive."""
    graph = random_circuit(seed).graph
    back = frontends.load(frontends.write(graph, "qir"), format="qir").graph
    assert [(each.name, len(each.bits)) for each in back.outputs or ()] == [
        (each.name, len(each.bits)) for each in graph.outputs or ()
    ]
    assert chances(back) == pytest.approx(chances(graph), abs=1e-9)


@needs_llvm
@pytest.mark.parametrize("seed", range(12))
def test_random_programs_come_back(seed: int) -> None:
    there_and_back(seed)


def test_the_profile_is_base_where_the_program_is() -> None:
    bell = qmk.Circuit(2, 2).h(0).cx(0, 1).measure([0, 1], [0, 1])
    assert '"qir_profiles"="base_profile"' in bell.to("qir")
    assert '"required_num_qubits"="2" "required_num_results"="2"' in bell.to("qir")
    again = qmk.Circuit(1, 2).h(0).measure(0, 0).h(0).measure(0, 1)
    assert '"qir_profiles"="adaptive_profile"' in again.to("qir")
    text = qmk.Circuit(2, 1).h(0).measure(0, 0).x(1).to("qir")  # gates stand before measurements
    assert '"base_profile"' in text
    assert text.index("x__body(") < text.index("mz__body(")


def test_controls_and_powers_are_written_in_gates_of_qir(distribution: Distribution) -> None:
    made = qmk.Circuit(4, 4).h(0).h(1).ry(0.4, 2).x(3, ctrl=[0, 1, 2], ctrl_state="101").measure(range(4), range(4))
    text = made.to("qir")
    assert "__ctl" not in text
    if importlib.util.find_spec("pyqir") is not None:
        assert distribution(text) == pytest.approx(distribution(made.graph), abs=1e-9)


def test_what_has_no_form_is_refused_by_name_and_place() -> None:
    noisy = frontends.load(b"H 0\nDEPOLARIZE1(0.1) 0\nM 0\n", format="stim").graph
    opened = qmk.Circuit(1, 1).rx(qmk.Parameter("theta"), 0).measure(0, 0)._build({})
    for graph, words in ((noisy, "noise"), (opened, "theta")):
        with pytest.raises(QmkError) as caught:
            frontends.write(graph, "qir")
        found = caught.value.findings[0]
        assert found.rule == "QIR-10"
        assert words in found.message


@needs_llvm
def test_bitcode_is_written() -> None:
    bell = qmk.Circuit(2, 2).h(0).cx(0, 1).measure([0, 1], [0, 1])
    data = bell.to("qir-bitcode")
    assert data.startswith(b"BC\xc0\xde")
    assert frontends.load(data).graph == frontends.load(bell.to("qir").encode()).graph


# -- QIR's own runner --------------------------------------------------------------------------------------------------

SHOTS = 2000


def outcomes_of_runner(text: bytes, widths: list[int]) -> Counter[str]:
    """What ``qirrunner`` prints, as keys of ours: a register for each array, and for each value by itself."""
    qirrunner = importlib.import_module("qirrunner")
    handler = qirrunner.OutputHandler()
    qirrunner.run_bytes(apart.to_bitcode(text), None, SHOTS, 5, handler.handle)
    found: Counter[str] = Counter()
    registers: list[str] = []
    left = 0
    for line in handler.get_output().splitlines():
        word, _, rest = line.partition("\t")
        if word == "START":
            registers, left = [], 0
        elif word == "END":
            found[" ".join(each for each in registers if each)] += 1
        elif word == "OUTPUT":
            kind, value = rest.split("\t")[:2]
            if kind in ("ARRAY", "TUPLE"):
                left = int(value)
                registers.append("")
            elif kind == "INT":
                width = widths[len([each for each in registers if each])]
                registers.append(format(int(value) & (1 << width) - 1, f"0{width}b"))
            elif kind != "DOUBLE":
                left -= 1
                if left < 0:
                    registers.append("")
                registers[-1] += "1" if value in ("1", "true") else "0"
    return found


def check_same_outcomes(text: bytes, graph: Graph, expected: dict[str, float]) -> None:
    """No outcome is impossible, and by Hoeffding's bound all are as likely; it fails by chance once in 10^8."""
    found = outcomes_of_runner(text, [len(each.bits) for each in graph.outputs or ()])
    assert sum(found.values()) == SHOTS
    assert set(found) <= set(expected)
    bound = math.sqrt(math.log(2e8 * len(expected)) / (2 * SHOTS))
    for key, chance in expected.items():
        assert abs(found[key] / SHOTS - chance) < bound, key


@needs_llvm
@needs_runner
@pytest.mark.parametrize("name", ["bell", "choices", "loops", "arrays"])
def test_programs_that_are_read_are_those_that_the_runner_runs(name: str, distribution: Distribution) -> None:
    text = (DATA / f"{name}.ll").read_bytes()
    graph = frontends.load(text).graph
    check_same_outcomes(text, graph, distribution(graph))


@needs_llvm
@needs_runner
@pytest.mark.parametrize("seed", range(6))
def test_programs_that_are_written_are_those_that_the_runner_runs(seed: int, distribution: Distribution) -> None:
    graph = random_circuit(seed + 100).graph
    text = frontends.write(graph, "qir")
    check_same_outcomes(text, graph, distribution(graph))


@needs_llvm
@needs_runner
@pytest.mark.parametrize("seed", range(20))
def test_variables_loops_and_functions_are_followed_as_the_runner_does(seed: int, distribution: Distribution) -> None:
    text = Program(seed).text().encode()
    graph = frontends.load(text, format="qir").graph
    check_same_outcomes(text, graph, distribution(graph))


@needs_llvm
@pytest.mark.parametrize("seed", range(100, 106))
def test_what_was_followed_is_written_and_comes_back(seed: int, distribution: Distribution) -> None:
    graph = frontends.load(Program(seed).text().encode(), format="qir").graph
    back = frontends.load(frontends.write(graph, "qir"), format="qir").graph
    assert distribution(back) == pytest.approx(distribution(graph), abs=1e-9)


# -- other emitters ----------------------------------------------------------------------------------------------------


@needs_llvm
@pytest.mark.skipif(
    importlib.util.find_spec("pytket") is None or importlib.util.find_spec("pytket.qir") is None,
    reason="pytket-qir is not installed: pip install pytket-qir",
)
@pytest.mark.parametrize("profile", ["BASE", "ADAPTIVE", "ADAPTIVE_CREGSIZE", "AZUREADAPTIVE"])
def test_pytket_writes_what_is_read(profile: str, distribution: Distribution) -> None:
    """pytket packs a register of bits into an integer, which is read as the bits again."""
    pytket, writer = importlib.import_module("pytket"), importlib.import_module("pytket.qir")
    made = pytket.Circuit(3, 3).H(0).Rz(0.3, 1).CX(0, 1).Measure(0, 0)
    if profile != "BASE":
        made.X(2, condition_bits=[0], condition_value=1)
    made.Measure(1, 1).Measure(2, 2)
    text = writer.pytket_to_qir(
        made, name="x", qir_format=writer.QIRFormat.STRING, profile=getattr(writer.QIRProfile, profile)
    )
    graph = frontends.load(text.encode()).graph
    assert [(output.name, len(output.bits)) for output in graph.outputs or ()] == [("c", 3)]
    expected = {"000": 0.5, "110": 0.5} if profile == "BASE" else {"000": 0.5, "111": 0.5}  # the first one leftmost
    assert distribution(graph) == pytest.approx(expected)
