"""pyQuil's programs, both ways."""

from __future__ import annotations

import random
import warnings
from typing import Any, cast

import numpy as np
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from pyquil import Program
    from pyquil.gates import MEASURE
    from pyquil.paulis import sZ
    from pyquil.quilatom import MemoryReference
    from pyquil.simulation import NumpyWavefunctionSimulator
    from pyquil.simulation.matrices import QUANTUM_GATES
    from pyquil.simulation.tools import program_unitary

import qmk
from qmk.base.errors import QmkError
from qmk.frontends.openqasm.unitary import matrix_of
from qmk.frontends.quil.gates import arity, standard

NAMES = [name for name in QUANTUM_GATES if name != "BARENCO"]  # pyQuil's BARENCO is not unitary


def test_gates_have_pyquils_matrices() -> None:
    rng = random.Random(1)
    for name, gate in QUANTUM_GATES.items():
        qubits, params = arity(name)
        angles = [rng.uniform(-3, 3) for _ in range(params)]
        wanted: Any = gate(*angles) if callable(gate) else gate
        if name != "BARENCO":  # pyQuil's is not unitary; Quil's definition is followed
            assert np.allclose(matrix_of(standard(name, angles), qubits), wanted), name


def random_program(rng: random.Random) -> Any:
    """Gates on three qubits, measured, a jump that depends on a bit, and more gates."""
    lines = ["DECLARE ro BIT[3]", "DECLARE theta REAL[2]"]
    for part in range(2):
        for _ in range(6):
            name = rng.choice(NAMES)
            qubits, params = arity(name)
            angles = rng.choice([repr(rng.uniform(-3, 3)), f"theta[{rng.randrange(2)}]*2"])
            given = f"({', '.join([angles] * params)})" if params else ""
            modifier = rng.choice(["", "", "DAGGER ", "CONTROLLED " if qubits < 3 else ""])
            on = rng.sample(range(3), qubits + modifier.startswith("C"))
            lines.append(f"{modifier}{name}{given} {' '.join(map(str, on))}")
        lines.append(f"MEASURE {part} ro[{part}]")
        lines += [f"JUMP-{rng.choice(['WHEN', 'UNLESS'])} @END{part} ro[{part}]", "H 2", f"LABEL @END{part}"]
    return Program("\n".join([*lines, "MEASURE 2 ro[2]"]))


def check_gates(seed: int) -> None:
    """The same matrix up to a phase, by pyQuil's own account of both programs."""
    rng = random.Random(seed)
    program = Program("I 0", "I 1", "I 2")
    for _ in range(10):
        name = rng.choice(NAMES)
        qubits, params = arity(name)
        given = f"({', '.join(repr(rng.uniform(-3, 3)) for _ in range(params))})" if params else ""
        modifier = rng.choice(["", "", "DAGGER ", "CONTROLLED " if qubits < 3 else ""])
        on = rng.sample(range(3), qubits + modifier.startswith("C"))
        program.inst(f"{modifier}{name}{given} {' '.join(map(str, on))}")
    back = qmk.Circuit.from_object(program).to("pyquil")
    overlap = np.vdot(program_unitary(program, 3), program_unitary(back, 3))
    assert abs(overlap) == pytest.approx(8, abs=1e-6)


def there_and_back(seed: int) -> None:
    program = random_program(random.Random(seed))
    circuit = qmk.Circuit.from_object(program)
    back = circuit.to("pyquil")
    params = {name: [0.3, 0.8] for name in circuit.parameters}
    first, second = (qmk.run(each, shots=100, seed=seed, params=params) for each in (circuit, back))
    assert [r.name for r in first.registers] == ["ro"]
    assert np.array_equal(first.bits("ro"), second.bits("ro")), seed


@pytest.mark.parametrize("seed", range(25))
def test_there_and_back(seed: int) -> None:
    check_gates(seed)
    there_and_back(seed)


def test_a_loop_of_shots_is_the_programs_own_number() -> None:
    program = Program("DECLARE ro BIT", "X 0", "MEASURE 0 ro").wrap_in_numshots_loop(7)
    assert qmk.run(program).counts == {"1": 7}
    assert qmk.run(program, shots=3).counts == {"1": 3}
    assert qmk.Circuit.from_object(program).to("pyquil").num_shots == 7
    assert qmk.run(program.wrap_in_numshots_loop(1)).shots == qmk.run(qmk.Circuit(1, 1).measure(0, 0)).shots


def test_states_are_those_of_pyquils_simulator() -> None:
    rng = random.Random(5)
    program = Program()
    for _ in range(30):
        name = rng.choice([name for name in QUANTUM_GATES if name not in ("BARENCO", "U", "FSIM", "PHASEDFSIM")])
        qubits, params = arity(name)
        given = f"({rng.uniform(-3, 3)})" if params else ""
        program.inst(f"{name}{given} {' '.join(map(str, rng.sample(range(3), qubits)))}")
    simulator: Any = NumpyWavefunctionSimulator(3).do_program(program)
    assert abs(np.vdot(qmk.state(program), simulator.wf.reshape(-1))) == pytest.approx(1)
    value = qmk.expectation(program, "Z0").value
    assert value == pytest.approx(float(np.real(simulator.expectation(sZ(0)))))


def test_parameters_stay_open() -> None:
    program = Program("DECLARE ro BIT", "DECLARE t REAL", "RX(t/2) 0", "MEASURE 0 ro")
    circuit = qmk.Circuit.from_object(program)
    assert circuit.parameters == {"t": None}
    assert qmk.run(program, shots=10, params={"t": 2 * np.pi}).counts == {"1": 10}
    assert qmk.gradient(Program("DECLARE t REAL", "RX(t) 0"), "Z", params={"t": 0.3}).by["t"] == pytest.approx(
        -np.sin(0.3)
    )


def test_placeholders_get_their_labels() -> None:
    program = Program("DECLARE ro BIT[2]", "X 0", "MEASURE 0 ro[0]")
    program.if_then(MemoryReference("ro", 0), Program("X 1"), Program("I 1"))
    program += MEASURE(1, MemoryReference("ro", 1))
    assert qmk.run(program, shots=10).counts == {"11": 10}


def test_a_loop_whose_length_is_a_parameter_is_read_with_its_value() -> None:
    program = Program(
        "DECLARE n INTEGER", "DECLARE ro BIT", "LABEL @a", "X 0", "SUB n 1", "JUMP-WHEN @a n", "MEASURE 0 ro"
    )
    assert qmk.run(program, shots=5, params={"n": 3}).counts == {"1": 5}


def test_refusals_name_the_line() -> None:
    with pytest.raises(QmkError, match="pyquil: line 2 of its Quil: DELAY is Quil-T"):
        qmk.run(Program("H 0", "DELAY 0 1.0"), shots=10)
    with pytest.raises(QmkError, match="is not a program"):
        qmk.run(cast("Any", MemoryReference("ro", 0)), shots=10)
