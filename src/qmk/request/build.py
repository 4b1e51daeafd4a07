"""What a caller asks of a run beside the program: noise, and a bound on the standard error in place of shots."""

from __future__ import annotations

import math
import operator
import os
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec

from qmk.abi.shapes import Qec
from qmk.base.errors import QmkError
from qmk.base.limits import check
from qmk.qvm.graph import Graph
from qmk.request.physical import labels, physical
from qmk.request.program import ProgramLike, to_graph

if TYPE_CHECKING:
    from qmk.models.noise.calibration import Calibration
    from qmk.models.qec.logical import Machine
    from qmk.qvm.outputs import Outputs
    from qmk.request.physical import NoiseLike


MOST = 1e200
LEAST_ERROR = 1e-100
"""below it squares are no longer numbers, and any number of shots is too small"""


class Drift(NamedTuple):
    """The noise of physical qubits as a calibration tells it, which a job on a daemon follows at its fences: as points
    of it come into force, the rest of the program has their rates, and the distance at which a patch errs no more than
    ``target`` a round. ``calibration``: it, or the path of its file. ``began``: when its second 0 was, Unix time; None:
    now."""

    calibration: Calibration | os.PathLike[str] | str
    target: float
    began: float | None = None


class Asked(NamedTuple):
    """The graph with its noise, the shots, and what the result's provenance says about either. ``qec``: the machine
    that a daemon is to write it for."""

    graph: Graph
    shots: int | None
    notes: dict[str, Any]
    qec: Qec | None = None


def asked(
    program: ProgramLike,
    format: str | None,
    params: Mapping[str, Any] | None,
    *,
    shots: int | None = None,
    noise: NoiseLike | None = None,
    error: float | None = None,
    outputs: Outputs | None = None,
    qec: Machine | str | None = None,
    device: str | None = None,
) -> Asked:
    """Raises INVALID_PARAMS for both shots and error, a model that is none, ``qec`` without the noise of its physical
    qubits, or both ``qec`` and ``device``; INVALID_GRAPH for what the device refuses; else what ``to_graph`` raises."""
    graph = to_graph(program, format, params)
    _one_machine(qec, device)
    if qec is not None:
        graph, notes = _on_machine(qec, noise, graph)
    else:
        graph, notes = physical(graph, noise, device, shots)
    if error is not None:
        shots, notes["shots"] = settled(shots, error, outputs)
    return Asked(graph, shots, notes)


def _one_machine(qec: Machine | str | None, device: str | None) -> None:
    if qec is not None and device is not None:
        raise QmkError(
            "INVALID_PARAMS", "both a device of atoms and a machine of logical qubits", field="device", help="give one"
        )


def _on_machine(qec: Machine | str, noise: NoiseLike | None, graph: Graph) -> tuple[Graph, dict[str, Any]]:
    if noise is None:
        raise _without_noise()
    from qmk.models.noise import resolve
    from qmk.models.qec.logical import as_dict, on_machine

    made, report = on_machine(qec, resolve(noise), graph)
    return made, {"qec": report.lines(), "logical": as_dict(report)}


def sent(
    program: ProgramLike,
    format: str | None,
    params: Mapping[str, Any] | None,
    *,
    noise: NoiseLike | Drift | None = None,
    qec: Machine | str | None = None,
    **rest: Any,
) -> Asked:
    """As ``asked``, for a daemon, which writes the program for a machine itself."""
    machine: Qec | None = None
    _one_machine(qec, rest.get("device"))
    if qec is not None:
        machine, noise = _policy(qec, noise), None
    elif isinstance(noise, Drift):
        raise QmkError(
            "INVALID_PARAMS", "noise that drifts, without a machine", field="qec", help="name it: surface(d=5), say"
        )
    return asked(program, format, params, noise=noise, **rest)._replace(qec=machine)


def _policy(qec: Machine | str, noise: NoiseLike | Drift | None) -> Qec:
    """Raises INVALID_PARAMS without the noise of the physical qubits, or for a machine or a noise that is none."""
    if noise is None:
        raise _without_noise()
    from qmk.models.noise import resolve
    from qmk.models.noise.short import parse
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
    model = resolve(noise)
    try:
        short = parse(model.name) == model
    except QmkError:
        short = False
    return Qec(machine=machine.spec, noise=model.name if short else msgspec.json.encode(model).decode())


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


def notes(wishes: Mapping[str, Any]) -> dict[str, Any]:
    """The notes of a run that was submitted with these keyword arguments."""
    noise, error = wishes.get("noise"), wishes.get("error")
    if wishes.get("qec") is not None:
        noise = None  # of the physical qubits: the job's own notes name it
    found: dict[str, Any] = labels(noise, wishes.get("device"))
    if error is not None:
        found["shots"] = settled(wishes.get("shots"), error, wishes.get("outputs"))[1]
    return found


def settled(shots: int | None, error: float, outputs: Outputs | None = None) -> tuple[int, str]:
    """Shots for a standard error, and why so many."""
    if shots is not None:
        raise QmkError(
            "INVALID_PARAMS", "both a number of shots and a standard error", field="error", help="give one of them"
        )
    found = shots_for(error, outputs)
    if outputs is not None and outputs.expectations:
        return found, f"{found} shots of each basis: the standard error of every expectation value is at most {error:g}"
    return found, f"{found} shots: the standard error of every probability is at most {error:g}, by 1/(4 error^2)"


def shots_for(error: float, outputs: Outputs | None = None) -> int:
    """The fewest shots of each basis after which no estimated probability, nor any expectation value among ``outputs``,
    has a standard error above ``error``. Derivatives are not bounded.

    The estimate of a probability p from N independent shots, or trajectories, has the standard error
    sqrt(p (1 - p) / N), which is at most 1 / (2 sqrt N) whatever p is. What the shots of one basis say of an observable
    lies between minus and plus the sum of its coefficients' sizes there, so its variance is at most the square of that
    sum; bases are independent, and add theirs. Raises INVALID_PARAMS when ``error`` is not
    between 0 and 1, QUOTA_EXCEEDED when it takes more shots than a job may have.
    """
    if not isinstance(error, (int, float)) or not 0 < error < 1:
        raise QmkError("INVALID_PARAMS", f"a standard error of {error!r}", field="error", help="give such as 0.01")
    variance = 0.25 if outputs is None or not outputs.expectations else max(0.25, _variance(outputs))
    found = max(1, math.ceil(min(variance / max(error, LEAST_ERROR) ** 2, MOST) * (1 - 1e-12)))
    check("shots", found, f"a standard error of {error:g}")
    return found


def _variance(outputs: Outputs) -> float:
    """Of one shot of each basis, the largest that any of the observables can have."""
    from qmk.ir.bases import bases

    home = {text: at for at, basis in enumerate(bases(outputs.expectations)) for text in basis.strings}
    worst = 0.0
    for observable in outputs.expectations:
        sizes: dict[int, float] = {}
        for text, factor in observable:
            if text in home:
                sizes[home[text]] = sizes.get(home[text], 0.0) + abs(factor)
        worst = max(worst, sum(size * size for size in sizes.values()))
    return worst


def shots_of(shots: int | None, default: int) -> int:
    """Raises INVALID_PARAMS for what is no number of shots, QUOTA_EXCEEDED for too many."""
    found = default if shots is None else _integer(shots, "shots")
    check("shots", found)
    if found < 1:
        raise QmkError("INVALID_PARAMS", f"{found} shots; ask for at least one", field="shots")
    return found


def seed_of(seed: int | None) -> int:
    """``seed``, or one that is drawn. Raises INVALID_PARAMS."""
    if seed is None:
        return int.from_bytes(os.urandom(8), "big") >> 1
    found = _integer(seed, "seed")
    if not 0 <= found < 1 << 63:
        raise QmkError("INVALID_PARAMS", f"seed {seed}; it is at least 0 and below 2^63", field="seed")
    return found


def _integer(value: Any, field: str) -> int:
    try:
        return operator.index(value)
    except TypeError:
        text = f"{field} is {value!r}"[:80]
        raise QmkError("INVALID_PARAMS", text, field=field, help="give a whole number") from None
