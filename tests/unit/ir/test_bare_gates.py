"""A gate that is declared by its matrix and flow alone runs too: from its flow, or from factors of its matrix."""

from __future__ import annotations

from typing import Any

import msgspec
import numpy as np
import pytest

from qmk.exact.simulator import exact_distribution
from qmk.ir import modifiers
from qmk.ir.lower import lower
from qmk.ir.names import base_of, controlled_form, names
from qmk.ir.resolver import ALL_GATES
from qmk.qvm.families import OPS
from qmk.qvm.families.gates import FIXED_SIZE
from qmk.sdk.kit.builder import Builder

FLOWS = [short for short, op in FIXED_SIZE.items() if op.flow]
BARE = ["ch", "swap", "iswap", "ecr", "siswap", "fsim", "xx_plus_yy", "cswap"]
STEPS = frozenset({"x", "y", "z", "h", "s", "sdg", "sx", "sxdg", "cnot", "cz", "swap"})
ARGS = {"theta": 0.7, "phi": -1.1, "beta": 0.4}


def distribution(short: str, gates: frozenset[str], clifford: bool, plain: bool = False) -> dict[str, float]:
    """Exact outcomes of a gate between gates that show its whole action, lowered; ``plain``: without other angles."""
    op = FIXED_SIZE[short]
    program = Builder(op.vqs.low)
    for qubit in range(op.vqs.low):
        program.op("h", qubit)
        program.op("s" if qubit % 2 else "sx", qubit)
        if not plain:
            program.op("rx", qubit, theta=0.4 + qubit)
    angles: dict[str, Any] = {param.name: ARGS[param.name] for param in op.params}
    program.op(short, *range(op.vqs.low), **angles)
    for qubit in range(op.vqs.low):
        program.op("sx", qubit)
    return exact_distribution(lower(program.measure_all().graph(), gates, clifford=clifford))


def close(a: dict[str, float], b: dict[str, float]) -> bool:
    return all(abs(a.get(key, 0.0) - b.get(key, 0.0)) < 1e-9 for key in {*a, *b})


@pytest.mark.parametrize("short", FLOWS)
def test_a_flow_is_enough_for_clifford_engines(short: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = distribution(short, ALL_GATES, clifford=False, plain=True)
    monkeypatch.setitem(OPS, f"core.{short}", msgspec.structs.replace(FIXED_SIZE[short], lower=None, also=()))
    modifiers._steps_of_fixed.cache_clear()
    try:
        assert close(distribution(short, STEPS, clifford=True, plain=True), wanted)
    finally:
        modifiers._steps_of_fixed.cache_clear()


@pytest.mark.parametrize("short", BARE)
def test_a_matrix_is_enough(short: str, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = distribution(short, ALL_GATES, clifford=False)
    monkeypatch.setitem(OPS, f"core.{short}", msgspec.structs.replace(FIXED_SIZE[short], lower=None, also=()))
    assert close(distribution(short, frozenset({"cnot", "u", "p", "cp", "ry", "rz"}), clifford=False), wanted)


def test_names_are_found_both_ways() -> None:
    assert names("stim")["cnot"] == "CX"
    assert (base_of("toffoli"), base_of("ecr")) == (("x", 2), ("ecr", 0))
    assert (controlled_form("cnot", 1), controlled_form("x", 2), controlled_form("y", 2)) == ("toffoli", "toffoli", "")
    assert np.isclose(1.0, sum(distribution("ecr", ALL_GATES, clifford=False).values()))
