"""The text that the native core reads of a circuit: by lines where it is long, and then the same program."""

from __future__ import annotations

import random

import pytest

import qmk
from qmk.circuit import flat

GATES = sorted(
    {"h", "sdg", "rx", "u", "p", "cx", "rzz", "iswap", "ecr", "fsim", "ccx", "cswap", "xx_plus_yy", "qasm_u"}
)


def drawn(seed: int) -> qmk.Circuit:
    """A long circuit of all kinds of items, its qubits named so that one name begins another's."""
    dice = random.Random(seed)
    made = qmk.Circuit({"q1": None, "q10": None, "gate": 2, "data": 2}, {"low": 2, "if": 1})
    theta = qmk.Parameter("theta")
    for _ in range(flat.LONG + 50):
        name = dice.choice(GATES)
        if dice.random() < 0.05:
            made.x(2, ctrl=[0, 1], ctrl_state="01").reset(dice.randrange(6)).barrier(1, 0).rz(2 * theta, 3).gphase(0.1)
        method = getattr(made, name)
        angles = {"rx": 1, "u": 3, "p": 1, "rzz": 1, "fsim": 2, "xx_plus_yy": 2, "qasm_u": 3}.get(name, 0)
        qubits = {"h": 1, "sdg": 1, "rx": 1, "u": 1, "p": 1, "qasm_u": 1, "ccx": 3, "cswap": 3}.get(name, 2)
        method(*[dice.choice([0.1, -0.0, 1e-20, dice.random()]) for _ in range(angles)], *dice.sample(range(6), qubits))
    return made.measure([0, 5], "low").measure(1, "if")


@pytest.mark.parametrize("seed", range(3))
def test_lines_and_the_whole_text_are_one_program(seed: int) -> None:
    made = drawn(seed)
    text = flat.flat_text(made)
    assert text is not None
    assert text == made.to("qasm3").encode()


def test_what_no_flat_text_holds_has_none() -> None:
    made = drawn(0)
    with made.if_("if"):
        made.x(0)
    assert flat.flat_text(made) is None
    assert flat.flat_text(qmk.Circuit(1).depolarize(0.1, 0)) is None


def test_a_bit_that_is_written_twice_is_written_whole() -> None:
    made = drawn(1).measure(2, "if")
    text = flat.flat_text(made)
    assert text is not None
    assert text == made.to("qasm3").encode()


def test_parts_of_pi_are_the_same_numbers() -> None:
    made = qmk.Circuit(1)
    for part in range(1, flat.LONG + 2):
        made.rx(3.141592653589793 / part, 0)
    text = flat.flat_text(made)
    assert text is not None
    assert qmk.Circuit.from_text(text).digest == made.digest
