"""What a program says without errors: which parities of its outcomes are certain."""

from __future__ import annotations

import numpy as np
import stim

from qmk.models.qec.surgery import parity
from qmk.models.qec.surgery.floor import wrong
from qmk.models.qec.surgery.program import Correct, Idle, Inject, Measure, Merge, Phase, Prepare, Program

CERTAINTY_SHOTS = 256
"""Shots beyond the number of outcomes; a random parity is taken for certain with probability below 2^-200."""
MAX_OUTCOMES = 10_000


class Parity(tuple[str, ...]):
    """Keys of outcomes whose sum is ``value`` in every run without errors."""

    value: int

    def __new__(cls, keys: tuple[str, ...], value: int) -> Parity:
        made = super().__new__(cls, keys)
        made.value = value
        return made


def circuit(program: Program) -> stim.Circuit:
    """The program on one ideal qubit a patch, an outcome a measurement. Raises INVALID_PARAMS for a T or a phase."""
    qubit = {name: at for at, name in enumerate(program.floor.patches)}
    record = {key: at for at, key in enumerate(program.keys())}
    made = stim.Circuit()
    for op in program.ops:
        if isinstance(op, Prepare):
            made.append("R" if op.basis == "Z" else "RX", [qubit[op.patch]])
        elif isinstance(op, Phase) or (isinstance(op, Inject) and op.state == "T"):
            raise wrong(
                f"'{program.name}' needs T states, which Stim does not run",
                "inject '+' or '0' to see the errors of an injected state, or use the logical tier",
            )
        elif isinstance(op, Inject):
            made.append("R" if op.state == "0" else "RX", [qubit[op.patch]])
        elif isinstance(op, Merge):
            targets = [stim.target_pauli(qubit[name], pauli) for name, pauli in op.paulis.items()]
            made.append("MPP", stim.target_combined_paulis(targets))
        elif isinstance(op, Measure):
            made.append("M" if op.basis == "Z" else "MX", [qubit[op.patch]])
        elif isinstance(op, Correct):
            for key in op.keys:
                target = stim.target_rec(record[key] - made.num_measurements)
                made.append("CX" if op.pauli == "X" else "CZ", [target, qubit[op.patch]])
        else:
            assert isinstance(op, Idle)
    return made


def certain(program: Program) -> tuple[Parity, ...]:
    """A basis of the parities that are certain. Each is one outcome with earlier ones that are random by themselves;
    they are the observables of the physical circuit."""
    keys = program.keys()
    if len(keys) > MAX_OUTCOMES:
        raise wrong(f"{len(keys)} outcomes in '{program.name}'", f"at most {MAX_OUTCOMES}")
    count = len(keys) + CERTAINTY_SHOTS
    shots = circuit(program).compile_sampler(seed=0).sample(count).astype(np.uint8)
    ones = ((1 << count) - 1) << (-count % 8)  # packed as bytes, with zeros behind
    reduced = {ones.bit_length(): (ones, 1)}  # values over the shots, and which outcomes make them; bit 0: one
    found: list[Parity] = []
    for at in range(len(keys)):
        values = int.from_bytes(np.packbits(shots[:, at]).tobytes(), "big")
        values, parts = parity.reduce(values, 2 << at, reduced)
        if values:
            reduced[values.bit_length()] = (values, parts)
        else:
            found.append(Parity(tuple(key for i, key in enumerate(keys) if parts >> i + 1 & 1), parts & 1))
    return tuple(found)
