"""Exact simulation by branches.

A branch is one history of measurement outcomes: a state, the classical bits so far, and its probability. Every
instruction is applied as the op table says; a measurement splits the branch. The leaves are the exact distribution.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from qmk.ir import bits as classical
from qmk.ir.program import (
    Barrier,
    Gate,
    Instruction,
    KrausNoise,
    Logic,
    LossEvent,
    Measure,
    Misread,
    Noise,
    PauliNoise,
    PauliNoise2,
    Program,
    Register,
    Reset,
)
from qmk.ir.unitary import Array, apply, apply_gate

TINY = 1e-12
"""A measurement outcome less probable than this is numerical noise of an impossible one."""

Chances = npt.NDArray[np.float64]


@dataclass
class Branch:
    """``state``: tensor of shape (2,) * n, axis = qubit; ``bits``: cbits; ``at``: next instruction."""

    state: Array
    bits: list[int]
    weight: float
    at: int = 0


def walk(program: Program, leaf: Callable[[list[int], float], None]) -> None:
    """Follow every branch of ``program`` to its end, depth first, and give each one's cbits and weight to ``leaf``."""
    zero = np.zeros((2,) * program.n_qubits, dtype=np.complex128)
    zero[(0,) * program.n_qubits] = 1
    stack = [Branch(zero, [0] * program.n_cbits, 1.0)]
    instructions, tail = program.instructions, _tail(program)
    while stack:
        branch = stack.pop()
        if branch.at < tail:
            at = branch.at
            for part in reversed(_step(branch, instructions[at])):
                part.at = at + 1
                stack.append(part)
        else:
            _read_out(branch, [m for m in instructions[tail:] if isinstance(m, Measure)], leaf)


def _tail(program: Program) -> int:
    """Where the last part begins: nothing but unconditional measurements of distinct qubits."""
    at, seen = len(program.instructions), set[int]()
    while at:
        item = program.instructions[at - 1]
        if isinstance(item, Measure) and item.cond is None and item.qubit not in seen:
            seen.add(item.qubit)
        elif not isinstance(item, Barrier):
            break
        at -= 1
    return at


def _step(branch: Branch, item: Instruction) -> list[Branch]:
    """Run one instruction on ``branch``; the branches that it leaves."""
    if isinstance(item, Barrier):
        return [branch]
    if isinstance(item, Noise):
        return _disturb(branch, item)
    if isinstance(item, LossEvent):
        parts = _spread(branch.weight, np.array([1 - item.p, item.p]))
        made = [(fell, Branch(branch.state, list(branch.bits), weight)) for fell, weight in parts]
        for _, part in filter(lambda pair: pair[0], made):
            for cbit in item.cbits:
                part.bits[cbit] = 1
        return [part for _, part in made]
    if item.cond is not None and not classical.holds_once(item.cond, branch.bits):
        return [branch]
    match item:
        case Gate():
            branch.state = apply_gate(branch.state, item)
        case Logic():
            branch.bits[item.cbit] = classical.compute_once(item, branch.bits)
        case Measure():
            parts = _observe(branch, item.qubit)
            for outcome, part in parts:
                part.bits[item.cbit] = outcome
            return [part for _, part in parts]
        case Reset():  # measure, then flip a 1 back to 0
            parts = _observe(branch, item.qubit)
            for outcome, part in parts:
                if outcome:
                    part.state = np.flip(part.state, item.qubit)
            return [part for _, part in parts]
    return [branch]


def _disturb(branch: Branch, noise: Noise) -> list[Branch]:
    """One branch for each error, or Kraus operator, that happens."""
    assert isinstance(noise, PauliNoise | PauliNoise2 | KrausNoise)
    if isinstance(noise, KrausNoise):
        made = [apply(branch.state, np.array(k, dtype=np.complex128), noise.on) for k in noise.operators]
        weights = np.array([np.linalg.norm(state) ** 2 for state in made])
        weights[weights < TINY] = 0
        return [
            Branch(made[k] / np.sqrt(weights[k]), list(branch.bits), weight)
            for k, weight in _spread(branch.weight, weights / weights.sum())
        ]
    parts: list[Branch] = []
    for error, weight in _spread(branch.weight, np.array(noise.chances)):
        state = branch.state
        for gate in noise.gates(error):
            state = apply_gate(state, gate)
        parts.append(Branch(state, list(branch.bits), weight))
    return parts


def _observe(branch: Branch, qubit: int) -> list[tuple[int, Branch]]:
    """Project ``qubit`` on each outcome that happens: (outcome, branch with its state, bits copied)."""
    parts: list[tuple[int, Branch]] = []
    for outcome, weight in _spread(branch.weight, probabilities(branch.state, [qubit])):
        state = branch.state.copy()
        gone: list[int | slice] = [slice(None)] * state.ndim
        gone[qubit] = 1 - outcome
        state[tuple(gone)] = 0
        state /= np.linalg.norm(state)
        parts.append((outcome, Branch(state, list(branch.bits), weight)))
    return parts


def _read_out(branch: Branch, measures: list[Measure], leaf: Callable[[list[int], float], None]) -> None:
    """Measure many qubits at once; the first of ``measures`` is the most significant bit of an outcome."""
    if not measures:
        leaf(branch.bits, branch.weight)
        return
    for outcome, weight in _spread(branch.weight, probabilities(branch.state, [m.qubit for m in measures])):
        bits = list(branch.bits)
        for place, measure in enumerate(reversed(measures)):
            bits[measure.cbit] = (outcome >> place) & 1
        leaf(bits, weight)


def probabilities(state: Array, qubits: list[int]) -> Chances:
    """Of the outcomes of measuring ``qubits`` in Z, shape (2^k,), first qubit most significant; they sum to 1."""
    square = state.real**2 + state.imag**2
    rest = tuple(q for q in range(state.ndim) if q not in qubits)
    marginal = square.sum(axis=rest) if rest else square
    rank = np.argsort(np.argsort(qubits))  # the marginal's axes are in ascending order of qubit
    found = np.transpose(marginal, rank).reshape(-1)
    found[found < TINY] = 0
    return found / found.sum()


def _spread(weight: float, chances: Chances) -> list[tuple[int, float]]:
    """The outcomes that may happen, each with its share of the weight."""
    return [(int(k), weight * float(chances[k])) for k in np.flatnonzero(chances)]


def exact_distribution(program: Program) -> dict[str, float]:
    """Printed bitstrings to probabilities, every branch followed; they sum to 1. Zero outcomes are left out."""
    found: dict[str, float] = {}

    def leaf(bits: list[int], weight: float) -> None:
        for row, share in _finish(program, bits, weight):
            key = print_registers(program.registers, row)
            found[key] = found.get(key, 0.0) + share

    walk(program, leaf)
    return dict(sorted(found.items()))


def _finish(program: Program, bits: list[int], weight: float) -> list[tuple[list[int], float]]:
    """The cbits after ``program.post``, for every way in which readings may be wrong, each with its share."""
    rows = [(list(bits), weight)]
    for item in program.post:
        made: list[tuple[list[int], float]] = []
        for row, share in rows:
            if item.cond is not None and not classical.holds_once(item.cond, row):
                made.append((row, share))
                continue
            if not isinstance(item, Misread):
                row[item.cbit] = classical.compute_once(item, row)
                made.append((row, share))
                continue
            true = row[item.source]
            wrong = item.p10 if true else item.p01
            for value, chance in ((true, 1 - wrong), (1 - true, wrong)):
                if chance > 0:
                    other = list(row)
                    other[item.cbit] = value
                    made.append((other, share * chance))
        rows = made
    return rows


def print_registers(registers: tuple[Register, ...], bits: list[int]) -> str:
    """The cbits of one shot as the registers print them."""
    return " ".join("".join(_place(register, k, bits) for k in range(len(register.cbits))) for register in registers)


def _place(register: Register, place: int, bits: list[int]) -> str:
    if register.lost and register.lost[place] >= 0 and bits[register.lost[place]]:
        return "L"
    return str(bits[register.cbits[place]]) if register.cbits[place] >= 0 else "0"
