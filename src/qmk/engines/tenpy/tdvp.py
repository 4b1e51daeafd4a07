"""Sweeps of the two-site time-dependent variational principle, by TeNPy, with local exponentials of ours.

TeNPy keeps the state, its environments and truncations. A local problem is a few hundred numbers here, for which the
checks and labels of its arrays take ten times longer than the numbers: the effective Hamiltonian is two matrices, and
its exponential is by Lanczos.

Source: Haegeman et al., Phys. Rev. B 94, 165116 (2016). Every few steps the basis is widened by H|psi> (Yang and
White, Phys. Rev. B 102, 094315 (2020)): two-site updates alone never find what interactions of far atoms entangle
across atoms that stand still.
"""

from __future__ import annotations

# TeNPy has no types, and this module is the boundary to it
# pyright: reportMissingTypeStubs=false, reportUntypedBaseClass=false
# pyright: reportUnknownVariableType=false, reportUnknownMemberType=false
import logging
import math
import warnings
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np

from qmk.engines.tenpy.evolution import Evolution, Matrices
from qmk.engines.tenpy.interactions import Tails
from qmk.exact.krylov import Vector, exponential

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import tenpy.linalg.np_conserved as npc
    from tenpy.algorithms.tdvp import TwoSiteTDVPEngine
    from tenpy.linalg.charges import ChargeInfo, LegCharge
    from tenpy.models.lattice import Chain
    from tenpy.models.model import MPOModel
    from tenpy.networks.mpo import MPO
    from tenpy.networks.mps import MPS
    from tenpy.networks.site import Site
    from tenpy.tools import optimization

lib: Any = npc

ATOM: Any = Site(LegCharge.from_trivial(2, ChargeInfo()), ["g", "r"])
ONE, EXCITED = np.eye(2, dtype=np.complex128), np.diag([0.0, 1.0]).astype(np.complex128)

KRYLOV, LOCAL_ERROR = 40, 1e-9
WIDER, WIDEN_FROM, WIDEN_EVERY = 8, 1e-5, 2
"""The most vectors that a bond is widened by, the least weight that they have in H|psi>, and after how many steps."""


@dataclass
class Swept:
    """``discarded``: the weight that truncations took, summed up; ``bond``: the largest bond dimension met."""

    discarded: float = 0.0
    bond: int = 1
    steps: int = 0


@contextmanager
def quick() -> Generator[None]:
    """Without TeNPy's checks of every array, its log and its warnings."""
    logger = logging.getLogger("tenpy")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), optimization.temporary_level("skip_arg_checks"):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def ground(n: int) -> Any:
    """``n`` atoms in g."""
    dtype: Any = np.complex128
    return MPS.from_product_state([ATOM] * n, ["g"] * n, bc="finite", dtype=dtype, unit_cell_width=n)


def hamiltonian(tails: Tails, onsite: Matrices) -> Any:
    n = len(onsite)
    arrays: list[Any] = []
    for k, (through, adding, closing) in enumerate(tails.sites):
        left, right = through.shape
        w = np.zeros((left + 2, right + 2, 2, 2), dtype=np.complex128)
        w[0, 0] = w[-1, -1] = ONE
        w[0, -1] = onsite[k]
        w[1:-1, 1:-1] = through[:, :, None, None] * ONE
        w[0, 1:-1] = adding[:, None, None] * EXCITED
        w[1:-1, -1] = closing[:, None, None] * EXCITED
        rows, columns = slice(0, 1 if k == 0 else None), slice(-1 if k == n - 1 else None, None)
        arrays.append(lib.Array.from_ndarray_trivial(w[rows, columns], labels=["wL", "wR", "p", "p*"]))
    return MPO([ATOM] * n, arrays, bc="finite", IdL=[0] * (n + 1), IdR=[-1] * (n + 1), mps_unit_cell_width=n)


class Sweeps(TwoSiteTDVPEngine):
    """The library's sweeps, under a Hamiltonian that is set before each."""

    def use_hamiltonian(self, h: Any) -> None:
        model: Any = self.model
        model.H_MPO = h
        self.init_env(model)

    def _krylov_evolve(self, H: Any, theta: Any, dt: complex) -> tuple[Any, int]:
        labels = ["vL", "p0", "p1", "vR"] if H.length == 2 else ["vL", "p0", "vR"]
        theta = theta.transpose(labels)
        given = theta.to_ndarray()
        apply, flat = _effective(H), given.reshape(-1)
        found, _ = exponential(apply, flat, dt, error=LOCAL_ERROR, most=KRYLOV, first=KRYLOV)
        made = found.reshape(given.shape)
        return lib.Array.from_ndarray(made, theta.legs, dtype=np.complex128, labels=labels), 0


def _effective(h: Any) -> Callable[[Vector], Vector]:
    """A local Hamiltonian as two matrix products: environment and site on the left, then what is right of it."""
    left = h.LP.transpose(["vR*", "wR", "vR"]).to_ndarray()
    right = h.RP.transpose(["wL", "vL", "vL*"]).to_ndarray()
    w = h.W0.transpose(["wL", "wR", "p0", "p0*"]).to_ndarray()
    bra, through, up, ket, down = (mixed := np.einsum("awb,wvpq->avpbq", left, w, optimize=True)).shape
    first = np.ascontiguousarray(mixed.transpose(0, 2, 1, 3, 4)).reshape(bra * up * through, ket * down)
    if h.length == 2:
        w = h.W1.transpose(["wL", "wR", "p1", "p1*"]).to_ndarray()
        right = np.einsum("vupq,ubc->vqbpc", w, right, optimize=True)
    second = np.ascontiguousarray(right).reshape(-1, right.shape[-1] * (2 if h.length == 2 else 1))

    def apply(x: Vector) -> Vector:
        half = first @ x.reshape(ket * down, -1)
        return (half.reshape(bra * up, -1) @ second).reshape(-1)

    return apply


def evolve(psi: Any, part: Evolution, tails: Tails, steps: int, cutoff: float, cap: int, told: Swept) -> None:
    """``psi`` afterwards, in place, with about ``steps`` steps of order 2 (fields are of their middle). Its bonds
    stay at most ``cap``, and ``told.bond`` is that where more was needed."""
    options = {"trunc_params": {"svd_min": cutoff, "chi_max": cap}, "max_dt": None}
    lattice = Chain(psi.L, ATOM, bc="open", bc_MPS="finite")
    sweeps: Any = None
    for low, high in part.segments():
        count, inside = max(1, math.ceil(steps * (high - low) / part.duration)), 0.5 * (low + high)
        step = (high - low) / count
        for k in range(count):
            t = low + k * step
            onsite = part.onsite(t + 0.5 * step, inside)
            if k % WIDEN_EVERY == 0:
                _widen(psi, onsite, tails, cap)
            h = hamiltonian(tails, onsite)
            if sweeps is None:
                sweeps = Sweeps(psi, MPOModel(lattice, h), options)
            sweeps.use_hamiltonian(h)
            told.discarded += float(sweeps.evolve(1, step).eps)
            told.bond = max(told.bond, *psi.chi)
            told.steps += 1
    psi.norm = 1.0


def _widen(psi: Any, onsite: Matrices, tails: Tails, cap: int) -> None:
    """More vectors in the bases, none in the state. (H + i)|psi> spans with |psi> what H|psi> does, and is never 0."""
    if all(bond >= 2 ** min(k + 1, psi.L - k - 1) for k, bond in enumerate(psi.chi)):
        return
    most = min(cap, max(psi.chi) + WIDER)
    more, shifted = psi.copy(), onsite.copy()
    shifted[0] += 1j * ONE
    how = {"compression_method": "SVD", "trunc_params": {"svd_min": WIDEN_FROM, "chi_max": 2 * most}}
    hamiltonian(tails, shifted).apply(more, how)
    psi.subspace_expansion(expand_into=[more], trunc_par={"svd_min": WIDEN_FROM, "chi_max": most})
