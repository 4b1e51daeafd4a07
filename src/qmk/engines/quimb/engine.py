"""Quimb's matrix product states, sampled here, and its contractions of light cones, group by group of measured qubits.

quimb's own samplers are not used: the measured bits of all shots are drawn together by QMK's generator, site by site
for a matrix product state, and by conditional marginals for contractions.
"""

from __future__ import annotations

import math
import warnings
from importlib import metadata
from typing import Any

import numpy as np
import numpy.typing as npt
import quimb.tensor  # pyright: ignore[reportMissingTypeStubs]

from qmk.base.errors import QmkError
from qmk.base.units import bytes_text
from qmk.engines.quimb import CONTRACT_FLOPS, CONTRACT_WIDTH, DECLARATION, GROUP_QUBITS, bond_cap
from qmk.exact.readout import Readout, Sampler, prepare
from qmk.exact.rng import Rng
from qmk.exact.simulator import TINY
from qmk.ir.bits import Bits
from qmk.ir.program import Program
from qmk.ir.unitary import Array, matrix_of
from qmk.sdk.engine import Plan

lib: Any = quimb.tensor

TRUNCATION = 1e-16
"""Share of a state's weight below which singular values are dropped: double precision's own noise"""

PATHS_TRIED = 32
ROUNDING = 1e-12
"""Below it a tensor's entries are zero to quimb's simplifications."""


class BondSampler:
    """The final state as a matrix product, its qubits in order."""

    def __init__(self, readout: Readout) -> None:
        self.readout = readout

    def __call__(self, shots: int, rng: Rng) -> Bits:
        tensors = right_canonical(self.readout)
        read = {qubit: place for place, qubit in enumerate(self.readout.qubits)}
        bits = np.zeros((shots, len(read)), dtype=np.uint8)
        rows = np.arange(shots)
        left = np.ones((shots, 1), dtype=np.complex128)
        last = max(read)
        for qubit, tensor in enumerate(tensors[: last + 1]):
            parts = np.tensordot(left, tensor, axes=(1, 0))  # shot, value, right bond
            weights = np.einsum("svr,svr->sv", parts, parts.conj()).real
            weights[weights < TINY * weights.sum(axis=1, keepdims=True)] = 0
            one = rng.uniform(shots) * weights.sum(axis=1) >= weights[:, 0]
            value = one.astype(np.intp)
            left = parts[rows, value] / np.sqrt(weights[rows, value])[:, None]
            if qubit in read:
                bits[:, read[qubit]] = value
        return bits


def right_canonical(readout: Readout) -> list[Array]:
    """Tensors (left bond, value, right bond) of which all but the first are isometries from the right. Raises
    RESOURCE_EXHAUSTED when the state needs a larger bond than memory allows."""
    n = max(readout.n_qubits, 1)
    cap = bond_cap(n)
    circuit = lib.CircuitMPS(n, max_bond=None, cutoff=TRUNCATION, gate_opts={"cutoff_mode": "rsum2"})
    for gate in readout.gates:
        if gate.name == "id":
            continue
        circuit.apply_gate_raw(matrix_of(gate), gate.qubits)
        if len(gate.qubits) > 1 and n > 2 * math.log2(cap) and circuit.psi.max_bond() > cap:
            raise QmkError(
                "RESOURCE_EXHAUSTED",
                f"the state is more entangled than bond dimension {cap}, for which {n} qubits have memory",
                engine="quimb",
                method="mps",
            )
    state = circuit.psi
    state.canonicalize_(0)
    return [_tensor(state, k, n) for k in range(n)]


def _tensor(state: Any, site: int, n: int) -> Array:
    order = [state.site_ind(site)]
    if site:
        order.insert(0, state.bond(site - 1, site))
    if site < n - 1:
        order.append(state.bond(site, site + 1))
    array = np.asarray(state[site].transpose(*order).data, dtype=np.complex128)
    return array.reshape(array.shape[0] if site else 1, 2, array.shape[-1] if site < n - 1 else 1)


class MarginalSampler:
    """Groups of measured qubits in turn: for each outcome of the groups before, the marginal of the next is contracted
    once and its shots are thrown. Trees are searched once a group."""

    def __init__(self, readout: Readout) -> None:
        self.readout = readout
        count = -(-len(readout.qubits) // GROUP_QUBITS)
        self.groups = [readout.qubits[k * GROUP_QUBITS : (k + 1) * GROUP_QUBITS] for k in range(count)]

    def __call__(self, shots: int, rng: Rng) -> Bits:
        circuit = lib.Circuit(self.readout.n_qubits, dtype="complex128")
        for gate in self.readout.gates:
            if gate.name != "id":
                circuit.apply_gate_raw(matrix_of(gate), gate.qubits)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of graph partitioners that are not installed
            return self._sample(circuit, _paths(), shots, rng)

    def _sample(self, circuit: Any, paths: Any, shots: int, rng: Rng) -> Bits:
        bits = np.zeros((shots, 0), dtype=np.uint8)
        for number, group in enumerate(self.groups):
            before = self.readout.qubits[: number * GROUP_QUBITS]
            histories, which = np.unique(bits, axis=0, return_inverse=True) if before else (bits[:1], np.zeros(shots))
            more = np.zeros((shots, len(group)), dtype=np.uint8)
            for history, row in enumerate(histories):
                fixed = {qubit: str(value) for qubit, value in zip(before, row.tolist(), strict=True)}
                if history == 0:
                    _check(circuit, group, fixed, paths)
                chances = _marginal(circuit, group, fixed, paths)
                mine = np.flatnonzero(which.reshape(-1) == history)
                more[mine] = _throw(chances, len(mine), rng)
            circuit.clear_storage()
            bits = np.concatenate([bits, more], axis=1)
        return bits


def _paths() -> Any:
    import cotengra  # pyright: ignore[reportMissingTypeStubs]

    library: Any = cotengra
    return library.AutoOptimizer(  # the best tree where there are few tensors, a short search else
        methods=["greedy"], max_repeats=PATHS_TRIED, optlib="random", parallel=False, progbar=False
    )


def _options(paths: Any) -> dict[str, Any]:
    return {"optimize": paths, "dtype": "complex128", "simplify_atol": ROUNDING}


def _check(circuit: Any, group: tuple[int, ...], fixed: dict[int, str], paths: Any) -> None:
    """Refuse a contraction that takes too much, before anything is allocated."""
    found = circuit.compute_marginal(group, fix=fixed or None, rehearse=True, **_options(paths))
    width, log10_flops = float(found["W"]), float(found["C"])
    if width > CONTRACT_WIDTH or log10_flops > math.log10(CONTRACT_FLOPS):
        raise QmkError(
            "RESOURCE_EXHAUSTED",
            f"contracting this program takes tensors of {bytes_text(int(16 * 2.0**width))} and 10^{log10_flops:.1f} "
            f"multiplications; at most {bytes_text(16 << CONTRACT_WIDTH)} and {CONTRACT_FLOPS:g} are taken",
            engine="quimb",
            method="contract",
            needed_bytes=int(64 * 2.0 ** min(width, 56)),
        )


def _marginal(circuit: Any, group: tuple[int, ...], fixed: dict[int, str], paths: Any) -> npt.NDArray[np.float64]:
    found: Any = circuit.compute_marginal(group, fix=fixed or None, **_options(paths))
    chances = np.array(np.real(found), dtype=np.float64).reshape(-1)
    chances[chances < TINY * chances.sum()] = 0
    return chances


def _throw(chances: npt.NDArray[np.float64], shots: int, rng: Rng) -> Bits:
    ends = np.cumsum(chances)
    total = float(ends[-1])
    fell = np.searchsorted(ends, rng.uniform(shots) * total, side="right")
    fell = np.minimum(fell, np.searchsorted(ends, total))  # rounding may step past the last one
    shifts = np.arange(len(chances).bit_length() - 2, -1, -1)
    return ((fell[:, None] >> shifts) & 1).astype(np.uint8)


def maker(readout: Readout, method: str) -> Sampler:
    return BondSampler(readout) if method == "mps" else MarginalSampler(readout)


class QuimbEngine:
    def __init__(self) -> None:
        self.version: str = metadata.version("quimb")

    def prepare(self, program: Program, method: str) -> Plan:
        return prepare(program, method, DECLARATION.methods, "quimb", maker)
