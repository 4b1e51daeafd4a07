"""The plan of a program on a device of a provider, and samples from what providers tell."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from qmk.base.errors import QmkError
from qmk.cloud.task import Device, complete, tag_of
from qmk.exact.readout import Readout, readout_of
from qmk.exact.rng import Rng
from qmk.ir.bits import Bits
from qmk.ir.program import Measure, Program
from qmk.sdk.engine import Declaration, Progress, Samples, Unsupported

SHOWN_DEVICES = 40


def no_device(engine: str, device: str, known: Iterable[str]) -> QmkError:
    """The error for a device that the provider has not."""
    listed = ", ".join(sorted(known)[:SHOWN_DEVICES])
    hint = f"name one of {listed}" if listed else "look at its name with the provider"
    return QmkError("UNSUPPORTED", f"engine '{engine}' has no device '{device}'", engine=engine, help=hint)


def out_of_order(engine: str, device: str, status: str) -> QmkError:
    """The error for a device that takes no tasks now."""
    text = f"device '{device}' of engine '{engine}' takes no tasks now ({status}); nothing was sent"
    return QmkError("JOB_FAILED", text, engine=engine, retryable=True, help="try again later, or name another device")


def check_name(declaration: Declaration, device: str) -> None:
    """Raises ``Unsupported`` for what is not the name of a device."""
    if not declaration.has_method(device):
        raise Unsupported(f"engine {declaration.name} has no device '{device}'")


def readout(declaration: Declaration, program: Program) -> Readout:
    """The gates of a program and its one read-out. Raises ``Unsupported`` for what the engine's devices lack."""
    assert declaration.devices is not None
    return readout_of(program, declaration.name, declaration.devices)


def check_size(engine: str, device: str, program: Program, qubits: int) -> None:
    """Raises UNSUPPORTED for a program of more qubits than the device has."""
    if program.n_qubits > qubits:
        text = f"{program.n_qubits} qubits: device '{device}' of engine '{engine}' has {qubits}"
        raise QmkError("UNSUPPORTED", text, engine=engine, help="use fewer qubits, or name a larger device")


@dataclass(frozen=True)
class CloudPlan:
    """``open`` connects to the device that ``device`` names, as a function of a module, so that plans can be
    pickled."""

    engine: str
    device: str
    program: Program
    open: Callable[[str], Device]

    def run(self, shots: int, seed: int, progress: Progress | None = None) -> Samples:
        if not shots or not any(isinstance(item, Measure) for item in self.program.instructions):
            return Samples(np.zeros((shots, self.program.n_cbits), dtype=np.uint8))
        device = self.open(self.device)
        request = device.request(self.program, shots, seed)
        tag = tag_of(self.engine, self.device, request, seed)
        task = complete(self.engine, device, request, tag, lambda: self._check(device, shots))
        found = device.bits(self.program, task, shots, seed)
        if progress is not None:
            progress(shots)
        return Samples(found, {"provider_task": task.id})

    def _check(self, device: Device, shots: int) -> None:
        try:
            device.check(self.program, shots)
        except Unsupported as refused:  # only ``prepare`` may raise it
            raise QmkError("UNSUPPORTED", str(refused), engine=self.engine, device=self.device) from refused


def place(readout: Readout, n_cbits: int, columns: Bits) -> Bits:
    """Samples of a read-out, one column a measured qubit in its order, as those of all classical bits."""
    found = np.zeros((len(columns), n_cbits), dtype=np.uint8)
    if readout.cbits:
        found[:, list(readout.cbits)] = columns
    return found


def repeat(counts: Mapping[int, int], qubits: Iterable[int], seed: int) -> Bits:
    """Rows for a histogram: each outcome as often as it came. Bit k of an outcome is qubit k. A histogram has no order,
    so the rows come in one that ``seed`` determines."""
    order = sorted(outcome for outcome, count in counts.items() if count)
    places = list(qubits)
    rows = np.array([[outcome >> qubit & 1 for qubit in places] for outcome in order], dtype=np.uint8)
    rows = np.repeat(rows.reshape(len(order), len(places)), [counts[outcome] for outcome in order], axis=0)
    return rows[np.argsort(Rng(seed, "order").uniform(len(rows)))]


def draw(chances: Mapping[int, float], shots: int, seed: int, *names: Any) -> dict[int, int]:
    """A histogram of ``shots`` draws from probabilities, by a stream that ``seed`` and ``names`` determine."""
    outcomes = sorted(outcome for outcome, chance in chances.items() if chance > 0)
    ends: npt.NDArray[np.float64] = np.cumsum([chances[outcome] for outcome in outcomes])
    places = Rng(seed, *names).uniform(shots) * ends[-1]
    found = np.asarray(np.searchsorted(ends[:-1], places, side="right"), dtype=np.int64)
    hits, counts = np.unique(found, return_counts=True)
    return {outcomes[hit]: int(count) for hit, count in zip(hits, counts, strict=True)}
