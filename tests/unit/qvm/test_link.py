"""The recurrence of purification against the circuit it stands for, in exact density matrices."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from qmk.base.errors import QmkError
from qmk.qvm import link
from qmk.qvm.link import Link, Pair, delivery, purify, werner
from qmk.sdk.kit.builder import Builder

PAULIS = {
    "i": np.eye(2, dtype=complex),
    "x": np.array([[0, 1], [1, 0]], dtype=complex),
    "y": np.array([[0, -1j], [1j, 0]]),
    "z": np.diag([1, -1]).astype(complex),
}
PAIRS = [werner(0.95), werner(0.6), Pair(0.1, 0.05, 0.2), Pair(0.0, 0.3, 0.0), Pair(0.02, 0.0, 0.1)]


def bell(error: str) -> np.ndarray:
    """|00> + |11> with ``error`` on the second half."""
    perfect = np.array([1, 0, 0, 1], dtype=complex) / math.sqrt(2)
    return np.kron(PAULIS["i"], PAULIS[error]) @ perfect


def density(pair: Pair) -> np.ndarray:
    chances = dict(zip("ixyz", (pair.fidelity, *pair), strict=True))
    return sum(p * np.outer(bell(e), bell(e).conj()) for e, p in chances.items())  # pyright: ignore[reportReturnType]


def controlled_not(control: int, target: int, qubits: int) -> np.ndarray:
    out = np.zeros((2**qubits, 2**qubits))
    for bits in itertools.product((0, 1), repeat=qubits):
        after = list(bits)
        after[target] ^= bits[control]  # pyright: ignore[reportArgumentType, reportCallIssue]
        out[int("".join(map(str, after)), 2), int("".join(map(str, bits)), 2)] = 1
    return out


def circuit_round(pair: Pair) -> tuple[np.ndarray, float]:
    """One round done by gates on two pairs A1 B1 A2 B2: the state kept of A1 B1, and the chance to keep it."""
    turn = {sign: np.cos(math.pi / 4) * PAULIS["i"] - 1j * sign * np.sin(math.pi / 4) * PAULIS["x"] for sign in (1, -1)}
    local = np.kron(np.kron(turn[1], turn[-1]), np.kron(turn[1], turn[-1]))
    whole = controlled_not(1, 3, 4) @ controlled_not(0, 2, 4) @ local
    rho = whole @ np.kron(density(pair), density(pair)) @ whole.conj().T
    blocks = rho.reshape(4, 4, 4, 4)
    kept = blocks[:, 0, :, 0] + blocks[:, 3, :, 3]  # A2 and B2 read 00 or 11
    chance = float(np.trace(kept).real)
    return kept / chance, chance


@pytest.mark.parametrize("pair", PAIRS)
def test_recurrence_is_what_the_circuit_does(pair: Pair) -> None:
    for _ in range(3):
        state, chance = circuit_round(pair)
        pair, success = purify(pair)
        assert success == pytest.approx(chance, abs=1e-12)
        assert state == pytest.approx(density(pair), abs=1e-12)


def test_two_rounds_square_the_error() -> None:
    pair, _ = purify(purify(werner(0.95))[0])
    assert pair.fidelity == pytest.approx(0.99750154878)
    assert [delivery(Link(), asked).rounds for asked in (None, 0.9, 0.95, 0.96, 0.99, 0.999, 0.9999)] == [
        *(0, 0, 0, 1, 2, 3, 3),
    ]


@pytest.mark.parametrize("asked", [None, 0.25, 0.8, 0.95, 0.97, 0.9999])
def test_delivery_is_never_below_what_is_asked(asked: float | None) -> None:
    made = delivery(Link(), asked)
    assert made.fidelity >= (asked or 0.0) - 1e-15
    cost = 1.0
    for success in made.successes:
        cost = 2 * cost / success
    assert made.raw_pairs == pytest.approx(cost)
    assert made.raw_pairs >= 2**made.rounds


@pytest.mark.parametrize(
    ("device", "asked", "words"),
    [
        (Link(), 1.0, "raw pairs of 0.95 come to 7.93e-31 in 8 rounds"),
        (Link(0.5), 0.6, "its raw pairs have fidelity 0.5, and purification needs more than 0.5"),
        (Link(0.6, 2), 0.9, "in 2 rounds"),
    ],
)
def test_what_cannot_be_reached_is_refused_with_the_numbers(device: Link, asked: float, words: str) -> None:
    with pytest.raises(QmkError, match="cannot deliver") as refused:
        delivery(device, asked)
    assert words in refused.value.message
    assert refused.value.fields["fidelity"] == asked
    assert refused.value.fields["raw_fidelity"] == device.raw_fidelity


def test_a_perfect_link_delivers_perfect_pairs() -> None:
    made = delivery(Link(1.0), 1.0)
    assert (made.fidelity, made.rounds, made.raw_pairs) == (1.0, 0, 1.0)


def test_uses_are_found_with_the_open_they_draw_on() -> None:
    b = Builder(3).channel(0, 1, "c").use().use("swap").close().channel(1, 2, "c").use()
    found = list(link.uses(b.graph()))
    assert [(use.qubits, link.semantic(use.node)) for use in found] == [
        (("q0", "q1"), "teleport"),
        (("q0", "q1"), "swap"),
        (("q1", "q2"), "teleport"),
    ]
