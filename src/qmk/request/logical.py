"""The logical qubits that a caller asks for: the machine of a program, and the noise of its physical qubits."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import msgspec

from qmk.abi.shapes import Qec
from qmk.base.errors import QmkError

if TYPE_CHECKING:
    from qmk.adapting import Policy
    from qmk.models.noise import NoiseModel
    from qmk.models.noise.calibration import Calibration
    from qmk.models.qec.logical import Machine
    from qmk.qvm.graph import Graph
    from qmk.request.physical import NoiseLike


class Drift(NamedTuple):
    """The noise of physical qubits as a calibration tells it, which a job on a daemon follows at its fences: as points
    of it come into force, the rest of the program has their rates, and the distance at which a patch errs no more than
    ``target`` a round. ``calibration`` is that or the path of its file. ``began``: when its second 0 was, Unix time;
    None: now."""

    calibration: Calibration | os.PathLike[str] | str
    target: float
    began: float | None = None


Adapt: TypeAlias = "Policy | os.PathLike[str] | str"
"""A policy, or the path of its file; ``standard`` is the one that QMK has."""


def choose_machine(
    adapt: Adapt, qec: Machine | str | None, noise: NoiseLike | Drift | None, graph: Graph
) -> tuple[Machine, dict[str, Any]]:
    """The machine that a policy chooses for the program, and the notes of the decision. Raises INVALID_PARAMS for a
    policy that cannot be read, or under which the program can run as nothing."""
    if noise is None:
        raise _without_noise()
    if isinstance(noise, Drift):
        raise QmkError(
            "INVALID_PARAMS",
            "a policy and noise that drifts",
            field="adapt",
            help="choose by the noise of now, such as p=1e-3, and submit the program with the code that is chosen",
        )
    from qmk.adapting import Decider, Module, Policy, Variant, World
    from qmk.models.noise import resolve
    from qmk.models.qec.logical import Machine

    policy = adapt if isinstance(adapt, Policy) else Policy.load(adapt)
    now = None
    if qec is not None:
        now = Variant.of(Machine.parse(qec) if isinstance(qec, str) else qec)
    decider = Decider(policy)
    variant = decider.start(graph, World({"": Module(_text_of(resolve(noise)))}), now)
    decision = decider.decisions[-1]
    return variant.machine, {"adapt": [decision.line], "adapted": msgspec.to_builtins(decision)}


def _text_of(model: NoiseModel) -> str:
    """A noise model as a daemon and a file of a machine take it: a short form, or JSON."""
    from qmk.models.noise.short import parse

    try:
        short = parse(model.name) == model
    except QmkError:
        short = False
    return model.name if short else msgspec.json.encode(model).decode()


def write_for_machine(qec: Machine | str, noise: NoiseLike | None, graph: Graph) -> tuple[Graph, dict[str, Any]]:
    """Rewrites the program in the gates of logical qubits, with their errors, and gives the notes for the result."""
    if noise is None:
        raise _without_noise()
    from qmk.models.noise import resolve
    from qmk.models.qec.logical import as_dict, on_machine

    made, report = on_machine(qec, resolve(noise), graph)
    return made, {"qec": report.lines(), "logical": as_dict(report)}


def qec_policy(qec: Machine | str, noise: NoiseLike | Drift | None) -> Qec:
    """The machine as it goes to a daemon, which writes the program for it. Raises INVALID_PARAMS without the noise of
    the physical qubits, or for a machine or a noise that cannot be read."""
    if noise is None:
        raise _without_noise()
    from qmk.models.noise import resolve
    from qmk.models.qec.logical import Machine

    machine = Machine.parse(qec) if isinstance(qec, str) else qec
    if Machine.parse(machine.spec) != machine:
        raise QmkError(
            "UNSUPPORTED",
            f"a machine with the decoder '{machine.decoder}' in a daemon",
            field="qec",
            help="leave the decoder as it is, or run the program in this process with qmk.run",
        )
    if isinstance(noise, Drift):
        return _drifting(machine, noise)
    return Qec(machine=machine.spec, noise=_text_of(resolve(noise)))


def _drifting(machine: Machine, drift: Drift) -> Qec:
    from qmk.models.noise.calibration import Calibration

    found = drift.calibration
    calibration = found if isinstance(found, Calibration) else Calibration.load(found)
    if not 0 < drift.target < 1:
        raise QmkError(
            "INVALID_PARAMS", f"a target of {drift.target} errors a round", field="target", help="give such as 1e-5"
        )
    began = time.time() if drift.began is None else drift.began
    text = msgspec.json.encode(calibration).decode()
    return Qec(machine=machine.spec, noise=text, began=began, target=drift.target)


def _without_noise() -> QmkError:
    return QmkError(
        "INVALID_PARAMS",
        "logical qubits without the noise of the physical ones",
        field="noise",
        help="name it, such as p=1e-3",
    )
