"""The text that the native core reads of a circuit: the same program as the whole text."""

from __future__ import annotations

import random

import pytest

import qmk
from qmk.circuit import flat

GATES = ["h", "sdg", "rx", "u", "p", "cx", "rzz", "iswap", "ecr", "fsim", "ccx", "cswap", "xx_plus_yy", "ccz", "sxdg"]
ANGLES = {"rx": 1, "u": 3, "p": 1, "rzz": 1, "fsim": 2, "xx_plus_yy": 2}
QUBITS = {"h": 1, "sdg": 1, "sxdg": 1, "rx": 1, "u": 1, "p": 1, "ccx": 3, "cswap": 3, "ccz": 3}


def drawn(seed: int) -> qmk.Circuit:
    """Gates of all kinds on qubits so named that one name begins another's, with parameters."""
    dice = random.Random(seed)
    made = qmk.Circuit({"q1": None, "q10": None, "more": 2, "data": 2}, {"low": 2, "high": 1})
    theta, w = qmk.Parameter("theta"), qmk.Parameter("w", 2)
    for _ in range(60):
        name = dice.choice(GATES)
        if dice.random() < 0.1:
            made.reset(dice.randrange(6)).barrier(1, 0).rz(2 * theta, 3).ry(w, [0, 1])
        angles = [dice.choice([0.1, -0.0, 1e-20, dice.random()]) for _ in range(ANGLES.get(name, 0))]
        getattr(made, name)(*angles, *dice.sample(range(6), QUBITS.get(name, 2)))
    return made.measure([0, 5], "low").measure(1, "high")


@pytest.mark.parametrize("seed", range(4))
def test_it_is_the_program_of_the_whole_text(seed: int) -> None:
    made, params = drawn(seed), {"theta": 0.3, "w": [0.1, 0.2]}
    assert flat.flat_text(made) is not None
    whole = qmk.Circuit.from_text(made.to("qasm3"), params=params)
    assert qmk.sample(made, shots=500, seed=7, params=params).counts == qmk.sample(whole, shots=500, seed=7).counts
    points = {"theta": [0.1, 0.9], "w": [[0.2, 0.3], [0.4, 0.5]]}
    ideal = qmk.Circuit.from_text(made.to("qasm3"), params={"theta": 0.9, "w": [0.4, 0.5]})
    assert qmk.sweep(made, points, "ZIIIII").values[1, 0] == pytest.approx(qmk.expectation(ideal, "ZIIIII").value)


def test_parameters_may_have_the_names_of_gates() -> None:
    x, z = qmk.Parameter("x"), qmk.Parameter("z", 2)
    made = qmk.Circuit(2).rx(2 * x, 0).ry(z[0] + x, 1).cx(0, 1).rz(z[1], 1).x(0)
    assert flat.flat_text(made) is not None
    params = {"x": 0.4, "z": [0.3, -0.2]}
    assert qmk.expectation(made, "ZY", params=params).value == pytest.approx(
        qmk.expectation(made.bind(params), "ZY").value
    )
    assert flat.flat_text(qmk.Circuit({"x__p": 1}).rx(x, 0)) is None, "the name that x gets is taken"


def test_what_no_flat_text_holds_has_none() -> None:
    made = drawn(0)
    with made.if_("high"):
        made.x(0)
    assert flat.flat_text(made) is None
    assert flat.flat_text(qmk.Circuit(1).depolarize(0.1, 0)) is None
    assert flat.flat_text(qmk.Circuit(2).x(0, ctrl=1, ctrl_state="0")) is None
    assert flat.flat_text(qmk.Circuit({"gate": 1}).h(0)) is None, "a name that OpenQASM has a meaning for"
