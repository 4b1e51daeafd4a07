"""Programs of Strawberry Fields give the states that its own simulators give."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import strawberryfields
import strawberryfields.ops

import qmk
from qmk.exact.light import fock, gaussian
from qmk.exact.light.setup import Optics, optics
from qmk.ir.lower import lower
from qmk.qvm.families import photonic

sf: Any = strawberryfields
ops: Any = strawberryfields.ops

ALL = frozenset(op.name for op in photonic.FAMILY.ops)
UNITARY = np.linalg.qr(np.array([[1, 2j, 0.5], [0.3, 1j, -1], [1j, 0.2, 0.7]]))[0]
GRAPH = np.ones((3, 3)) - np.eye(3)

GAUSSIAN: dict[str, tuple[Callable[[], Any], tuple[int, ...]]] = {
    "Dgate": (lambda: ops.Dgate(0.3, 0.7), (0,)),
    "Xgate": (lambda: ops.Xgate(0.5), (0,)),
    "Zgate": (lambda: ops.Zgate(0.5), (0,)),
    "Sgate": (lambda: ops.Sgate(0.5, 0.3), (1,)),
    "Pgate": (lambda: ops.Pgate(-0.7), (0,)),
    "Rgate": (lambda: ops.Rgate(0.5), (0,)),
    "BSgate": (lambda: ops.BSgate(0.5, 0.3), (2, 0)),
    "MZgate": (lambda: ops.MZgate(0.5, 0.3), (2, 0)),
    "sMZgate": (lambda: ops.sMZgate(0.5, 0.3), (2, 0)),
    "S2gate": (lambda: ops.S2gate(0.5, 0.3), (2, 0)),
    "CXgate": (lambda: ops.CXgate(0.5), (2, 0)),
    "CZgate": (lambda: ops.CZgate(0.5), (0, 1)),
    "LossChannel": (lambda: ops.LossChannel(0.5), (0,)),
    "Interferometer": (lambda: ops.Interferometer(UNITARY), (0, 1, 2)),
    "Vacuum": (lambda: ops.Vacuum(), (0,)),
    "Coherent": (lambda: ops.Coherent(0.3, 0.4), (0,)),
    "Squeezed": (lambda: ops.Squeezed(0.3, 0.4), (0,)),
    "DisplacedSqueezed": (lambda: ops.DisplacedSqueezed(0.3, 0.4, 0.5, 0.6), (0,)),
    "Thermal": (lambda: ops.Thermal(0.7), (0,)),
    "GraphEmbed": (lambda: ops.GraphEmbed(GRAPH, mean_photon_per_mode=0.5), (0, 1, 2)),
}
TWO_WAYS = (
    "Dgate",
    "Xgate",
    "Zgate",
    "Sgate",
    "Pgate",
    "Rgate",
    "BSgate",
    "MZgate",
    "sMZgate",
    "S2gate",
    "CXgate",
    "CZgate",
)
"""Those with an inverse."""


def light(program: Any) -> Optics:
    return optics(lower(qmk.Program.from_object(program).to_graph(), ALL, whole=True))


@pytest.mark.parametrize(("name", "inverse"), [*((n, False) for n in GAUSSIAN), *((n, True) for n in TWO_WAYS)])
def test_gaussian_states(name: str, inverse: bool) -> None:
    make, on = GAUSSIAN[name]
    program = sf.Program(3)
    with program.context as q:
        ops.Sgate(0.4, 0.7) | q[0]
        ops.Dgate(0.3, 0.5) | q[1]
        ops.BSgate(0.4, 0.2) | (q[0], q[1])
        (make().H if inverse else make()) | tuple(q[k] for k in on)
    theirs = sf.Engine("gaussian").run(program).state
    found = light(program)
    ours = gaussian.State.of(found)
    at = ours.places(found.places)
    assert np.abs(ours.mean[at] - theirs.means()).max() < 1e-9
    assert np.abs(ours.cov[np.ix_(at, at)] - theirs.cov()).max() < 1e-9


def test_thermal_loss_of_one_mode() -> None:
    """Beside other modes Strawberry Fields 0.23.0 changes them too."""
    program = sf.Program(1)
    with program.context as q:
        ops.Coherent(0.3, 0.0) | q[0]
        ops.ThermalLossChannel(0.5, 0.7) | q[0]
    theirs = sf.Engine("gaussian").run(program).state
    assert np.abs(gaussian.State.of(light(program)).cov - theirs.cov()).max() < 1e-9


@pytest.mark.parametrize("name", ["Kgate", "CKgate", "Vgate", "Fock"])
def test_fock_states(name: str) -> None:
    program = sf.Program(2)
    with program.context as q:
        ops.Coherent(0.3, 0.2) | q[1]
        ops.Dgate(0.3) | q[0]
        {"Kgate": lambda: ops.Kgate(0.3), "CKgate": lambda: ops.CKgate(0.3), "Vgate": lambda: ops.Vgate(0.1),
         "Fock": lambda: ops.Fock(2)}[name]() | ((q[0], q[1]) if name == "CKgate" else q[0])  # fmt: skip
        ops.BSgate(0.7, 0.2) | (q[0], q[1])
    theirs = sf.Engine("fock", backend_options={"cutoff_dim": 14}).run(program).state.all_fock_probs().reshape(14, 14)
    found = light(program)
    ours = fock.State.of(found).probabilities(found.places)
    assert np.abs(ours[:6, :6] - theirs[:6, :6]).max() < 1e-7


def test_free_parameters_stay_open() -> None:
    program = sf.Program(2)
    a = program.params("a")
    with program.context as q:
        ops.Dgate(2 * a + 0.1) | q[0]
        ops.MeasureFock() | q
    made = qmk.Program.from_object(program)
    assert list(made.parameters) == ["a"]
    mean = qmk.expectation(made, "NI", params={"a": 0.3})
    assert abs(float(mean) - 0.49) < 1e-9


@pytest.mark.parametrize("name", ["Catstate", "select", "measured"])
def test_what_cannot_be_carried_over_is_refused_with_its_command(name: str) -> None:
    program = sf.Program(2)
    with program.context as q:
        if name == "Catstate":
            ops.Catstate(0.3) | q[0]
        elif name == "select":
            ops.MeasureHomodyne(0.0, select=0.1) | q[0]
        else:
            ops.MeasureX | q[0]
            ops.Dgate(q[0].par) | q[1]
    with pytest.raises(qmk.QmkError, match=r"strawberryfields: command \d"):
        qmk.Program.from_object(program)
