"""Random circuits of Qiskit with control flow, variables and conditions."""

from __future__ import annotations

import random

from qiskit import ClassicalRegister, QuantumCircuit, QuantumRegister
from qiskit.circuit.classical import expr, types

_ONE = ("h", "x", "sx", "t", "sdg")
_TWO = ("cx", "cz", "swap", "iswap", "cs", "csx", "dcx", "ecr")


def random_circuit(seed: int) -> QuantumCircuit:
    """Three qubits, two registers, some ten instructions, nested to a depth of two."""
    rng = random.Random(seed)
    circuit = QuantumCircuit(QuantumRegister(3, "q"), ClassicalRegister(2, "a"), ClassicalRegister(1, "b c"))
    if rng.random() < 0.4:
        circuit.add_var("v", expr.lift(rng.randrange(4), types.Uint(2)))
    circuit.global_phase = rng.uniform(0, 3)
    _fill(circuit, rng, 0, False)
    circuit.measure([0, 1, 2], [0, 1, 2])
    return circuit


def _fill(circuit: QuantumCircuit, rng: random.Random, depth: int, in_loop: bool) -> None:
    for _ in range(rng.randrange(2, 7 - 2 * depth)):
        kind = rng.random()
        if kind < 0.6 or depth == 2:
            _gate(circuit, rng)
        elif kind < 0.75:
            with circuit.if_test(_condition(circuit, rng)) as otherwise:
                _fill(circuit, rng, depth + 1, in_loop)
                if in_loop and rng.random() < 0.5:
                    circuit.break_loop() if rng.random() < 0.5 else circuit.continue_loop()
            if rng.random() < 0.5:
                with otherwise:
                    _fill(circuit, rng, depth + 1, in_loop)
        elif kind < 0.85:
            with circuit.for_loop(range(rng.randrange(1, 3))):
                _fill(circuit, rng, depth + 1, True)
        elif kind < 0.92:
            with circuit.switch(circuit.cregs[0]) as case:
                with case(rng.randrange(4)):
                    _fill(circuit, rng, depth + 1, in_loop)
                with case(case.DEFAULT):
                    _fill(circuit, rng, depth + 1, in_loop)
        elif variables := list(circuit.iter_vars()):
            value = expr.add(variables[0], circuit.cregs[0]) if rng.random() < 0.5 else expr.bit_not(variables[0])
            circuit.store(variables[0], value)


def _gate(circuit: QuantumCircuit, rng: random.Random) -> None:
    a, b, _ = rng.sample(range(3), 3)
    match rng.randrange(6):
        case 0:
            getattr(circuit, rng.choice(_TWO))(a, b)
        case 1:
            circuit.rx(rng.uniform(-3, 3), a)
        case 2:
            circuit.cry(rng.uniform(-3, 3), a, b, ctrl_state=rng.randrange(2))
        case 3:
            circuit.measure(a, rng.randrange(3))
        case 4:
            circuit.reset(a)
        case _:
            getattr(circuit, rng.choice(_ONE))(a)


def _condition(circuit: QuantumCircuit, rng: random.Random) -> object:
    a, b = circuit.cregs
    variables = list(circuit.iter_vars())
    if variables and rng.random() < 0.5:
        return expr.less(variables[0], a)
    return rng.choice(
        [(a, 2), (b, 1), (circuit.clbits[0], 0), expr.logic_and(circuit.clbits[0], expr.logic_not(circuit.clbits[2]))]
    )
