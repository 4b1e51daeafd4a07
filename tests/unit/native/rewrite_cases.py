"""Random circuits with everything a circuit can say, and their exact distributions by following every branch.

A row is what ``qmk_native.Circuit`` takes: (kind, qubits, params, condition, cbit, table), -1 where there is none.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import qmk_native

from qmk.ir.program import Gate
from qmk.ir.unitary import apply, matrix_of

KINDS: list[tuple[str, int, int]] = qmk_native.KINDS
NUMBER = {name: k for k, (name, _, _) in enumerate(KINDS)}
GATES = KINDS[: NUMBER["measure"]]
TINY = 1e-14

Row = tuple[int, list[int], list[float], int, int, int]
Array = npt.NDArray[np.complex128]


@dataclass
class Case:
    """A circuit under construction."""

    n_qubits: int
    n_cbits: int = 0
    ops: list[Row] = field(default_factory=list)
    conds: list[tuple[str, list[int]]] = field(default_factory=list)
    tables: list[tuple[list[int], list[int]]] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)

    def gate(self, name: str, *qubits: int, params: tuple[float, ...] = (), cond: int = -1) -> None:
        self.ops.append((NUMBER[name], list(qubits), list(params), cond, -1, -1))

    def measure(self, qubit: int, cond: int = -1, shown: bool = True) -> int:
        self.ops.append((NUMBER["measure"], [qubit], [], cond, self.n_cbits, -1))
        if shown:
            self.shown.append(self.n_cbits)
        self.n_cbits += 1
        return self.n_cbits - 1

    def cond(self, word: str, *operands: int) -> int:
        self.conds.append((word, list(operands)))
        return len(self.conds) - 1

    def circuit(self) -> Any:
        registers = [("c", self.shown, False)]
        return qmk_native.Circuit(self.n_qubits, self.n_cbits, self.ops, self.conds, self.tables, registers)


def _angle(dice: random.Random) -> float:
    if dice.random() < 0.6:
        return dice.randrange(-8, 9) * math.pi / dice.choice((1, 2, 4, 4, 8))
    return dice.uniform(-7, 7)


def random_case(seed: int, *, classical: bool = True, noise: bool = True, measured: bool = True) -> Case:
    """Up to 5 qubits and 40 instructions; ``classical``: measurements in the middle, resets, conditions and logic."""
    dice = random.Random(seed)
    case = Case(dice.randrange(1, 6))
    style = dice.choice(("any", "clifford", "cxrz", "diagonal", "permutation", "few"))
    names = {
        "any": [g[0] for g in GATES],
        "clifford": ["h", "s", "sdg", "x", "z", "y", "sx", "cnot", "cnot", "cz", "cy", "swap", "iswap", "t"],
        "cxrz": ["cnot", "cnot", "cnot", "rz", "p", "h", "ry", "rx", "cz", "s"],
        "diagonal": ["cp", "cp", "rzz", "p", "rz", "h", "cz", "ccz", "crz", "t", "cnot"],
        "permutation": ["x", "cnot", "toffoli", "swap", "cswap", "h", "cnot", "z"],
        "few": ["h", "cnot", "rz", "cswap", "u", "cry", "crx", "ch"],
    }[style]
    splits = 0
    budget = 5 + dice.randrange(36)
    for _ in range(budget):
        roll = dice.random()
        cond = -1
        if case.n_cbits and classical and dice.random() < 0.35:
            cond = random_cond(case, dice)
        if roll < 0.12 and classical and splits < 9:
            splits += 1
            case.measure(dice.randrange(case.n_qubits), cond if dice.random() < 0.4 else -1, dice.random() < 0.6)
        elif roll < 0.16 and classical and splits < 9:
            splits += 1
            case.ops.append((NUMBER["reset"], [dice.randrange(case.n_qubits)], [], cond, -1, -1))
        elif roll < 0.19 and classical and case.n_cbits:
            inputs = [dice.randrange(case.n_cbits) for _ in range(dice.randrange(0, 4))]
            case.tables.append((inputs, [dice.getrandbits(1 << len(inputs))]))
            case.ops.append((NUMBER["logic"], [], [], cond, case.n_cbits, len(case.tables) - 1))
            if dice.random() < 0.6:
                case.shown.append(case.n_cbits)
            case.n_cbits += 1
        elif roll < 0.21 and noise and splits < 8:
            splits += 2
            width = 2 if case.n_qubits > 1 and dice.random() < 0.5 else 1
            chances = [dice.choice((0.0, 0.1, 0.2)) for _ in range(3)]
            if width == 2:
                chances = [0.0] * 15
                for error in dice.sample(range(15), 3):
                    chances[error] = 0.1 * dice.randint(1, 3)
            kind = NUMBER["noise" if width == 1 else "noise2"]
            case.ops.append((kind, dice.sample(range(case.n_qubits), width), chances, -1, -1, -1))
        else:
            name = dice.choice(names)
            _, width, angles = KINDS[NUMBER[name]]
            if width <= case.n_qubits:
                qubits = dice.sample(range(case.n_qubits), width)
                case.gate(name, *qubits, params=tuple(_angle(dice) for _ in range(angles)), cond=cond)
    if measured:
        for qubit in range(case.n_qubits):
            if dice.random() < 0.7:
                case.measure(qubit)
    dice.shuffle(case.shown)
    return case


def random_cond(case: Case, dice: random.Random) -> int:
    """A new node of the case's pool, sometimes over older ones, sometimes of a cbit that is only written later."""
    made = case.cond("bit", dice.randrange(case.n_cbits))
    for _ in range(dice.randrange(3) if dice.random() < 0.4 else 0):
        word = dice.choice(("not", "and", "or", "xor"))
        if word == "not":
            made = case.cond("not", made)
        else:
            other = case.cond("bit", dice.randrange(case.n_cbits))
            made = case.cond(word, made, other)
    return made


def distribution(circuit: Any) -> dict[str, float]:
    """Printed bitstrings to exact probabilities."""
    return _Exact(circuit).run()


class _Exact:
    def __init__(self, circuit: Any) -> None:
        self.circuit = circuit
        self.ops, self.conds, self.tables = circuit.rows()
        self.columns = [c for _, cbits, _ in circuit.registers for c in cbits]
        self.found: dict[str, float] = {}

    def run(self) -> dict[str, float]:
        n = self.circuit.n_qubits
        state = np.zeros((2,) * n, dtype=np.complex128)
        state[(0,) * n] = 1
        self._follow(state, [0] * self.circuit.n_cbits, 0)
        return {key: p for key, p in self.found.items() if p > 1e-12}

    def holds(self, cond: int, bits: list[int]) -> bool:
        word, parts = self.conds[cond]
        if word == "bit":
            return bool(bits[parts[0]])
        values = [self.holds(part, bits) for part in parts]
        if word == "not":
            return not values[0]
        return {"and": all(values), "or": any(values), "xor": sum(values) % 2 == 1}[word]

    def _follow(self, state: Array, bits: list[int], at: int) -> None:
        """``state`` is not normalised: its norm is the probability of the branch."""
        for k in range(at, len(self.ops)):
            kind, qubits, params, cond, cbit, table = self.ops[k]
            name = KINDS[kind][0]
            if cond >= 0 and not self.holds(cond, bits):
                continue
            if name == "logic":
                inputs, words = self.tables[table]
                row = sum(bits[c] << i for i, c in enumerate(inputs))
                bits[cbit] = words[row // 64] >> (row % 64) & 1
            elif name in ("measure", "reset"):
                for outcome in (0, 1):
                    part = np.zeros_like(state)
                    index: list[Any] = [slice(None)] * state.ndim
                    index[qubits[0]] = outcome
                    target = list(index)
                    if name == "reset":
                        target[qubits[0]] = 0
                    part[tuple(target)] = state[tuple(index)]
                    if np.vdot(part, part).real > TINY:
                        mine = list(bits)
                        if name == "measure" and cbit >= 0:
                            mine[cbit] = outcome
                        self._follow(part, mine, k + 1)
                return
            elif name == "noise":
                for error, chance in zip(("id", "x", "y", "z"), (1 - sum(params), *params), strict=True):
                    if chance > 0:
                        part = apply(state, matrix_of(Gate(error, (qubits[0],))), (qubits[0],))
                        self._follow(part * math.sqrt(chance), list(bits), k + 1)
                return
            elif name == "noise2":
                for error, chance in enumerate((1 - sum(params), *params)):
                    if chance > 0:
                        part = state
                        for letter, qubit in zip((error >> 2, error & 3), qubits, strict=True):
                            part = apply(part, matrix_of(Gate(("id", "x", "y", "z")[letter], (qubit,))), (qubit,))
                        self._follow(part * math.sqrt(chance), list(bits), k + 1)
                return
            else:
                state = apply(state, matrix_of(Gate(name, tuple(qubits), tuple(params))), tuple(qubits))
        key = "".join("0" if c < 0 else str(bits[c]) for c in self.columns)
        self.found[key] = self.found.get(key, 0.0) + float(np.vdot(state, state).real)


def distance(a: dict[str, float], b: dict[str, float]) -> float:
    """The largest difference of a probability."""
    return max((abs(a.get(key, 0.0) - b.get(key, 0.0)) for key in {*a, *b}), default=0.0)


def final_state(circuit: Any, start: Array | None = None) -> Array:
    """Of a circuit of gates alone, shape (2,) * n, from ``start``."""
    n = circuit.n_qubits
    state = np.zeros((2,) * n, dtype=np.complex128) if start is None else start
    if start is None:
        state[(0,) * n] = 1
    for kind, qubits, params, *_ in circuit.rows()[0]:
        state = apply(state, matrix_of(Gate(KINDS[kind][0], tuple(qubits), tuple(params))), tuple(qubits))
    return state
