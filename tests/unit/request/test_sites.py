"""Observables and joint probabilities of an array of atoms are of its sites, some of which may be vacant."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest

import qmk
from qmk.base.errors import QmkError


def program(filling: list[int], strengths: list[float]) -> str:
    """Sites too far apart to feel each other; a resonant pulse of 1 us turns each atom by pi times its strength."""

    def series(value: float) -> dict[str, Any]:
        return {"times": ["0", "1e-6"], "values": [str(value)] * 2}

    def uniform(value: float) -> dict[str, Any]:
        return {"time_series": series(value), "pattern": "uniform"}

    amplitude = {"time_series": series(math.pi * 1e6), "pattern": [str(strength) for strength in strengths]}
    drive = {"amplitude": amplitude, "phase": uniform(0), "detuning": uniform(0)}
    register = {"sites": [[str(1e-4 * site), "0"] for site in range(len(filling))], "filling": filling}
    header = {"name": "braket.ir.ahs.program", "version": "1"}
    hamiltonian = {"drivingFields": [drive], "shiftingFields": []}
    return json.dumps({"braketSchemaHeader": header, "setup": {"ahs_register": register}, "hamiltonian": hamiltonian})


PROGRAM = program([1, 0, 1, 1], [0.0, 1.0, 1.0, 0.5])


def test_letters_are_of_sites() -> None:
    found = qmk.expectation(PROGRAM, ["Z0", "Z2", "Z3", "ZIZI", {"ZIII": 2.0}])
    assert [each.value for each in found] == pytest.approx([1.0, -1.0, 0.0, -1.0, 2.0], abs=1e-6)
    graph, wanted = qmk.outputs(PROGRAM, expect="Z2", probabilities=[[2, 0]])
    assert wanted.expectations == ((("IZI", 1.0),),)
    assert wanted.probabilities == ((1, 0),)
    assert qmk.run(graph, shots=1, outputs=wanted).values is not None


def test_probabilities_are_of_sites() -> None:
    found = qmk.probabilities(PROGRAM, [2])
    assert found.qubits == (2,)
    assert found.values == pytest.approx([0.0, 1.0], abs=1e-6)


@pytest.mark.parametrize("wrong", ["Z1", "IZII", "Z4", "ZZZ"])
def test_a_vacant_site_has_nothing_to_observe(wrong: str) -> None:
    with pytest.raises(QmkError, match=r"vacant|no qubit 4|3 letters"):
        qmk.expectation(PROGRAM, wrong)


@pytest.mark.parametrize("wrong", [1, 4, -1])
def test_a_vacant_site_has_no_probability(wrong: int) -> None:
    with pytest.raises(QmkError, match=r"vacant|none of the 4 sites"):
        qmk.probabilities(PROGRAM, [wrong])
