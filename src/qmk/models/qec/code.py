"""What a quantum error-correcting code is, as data.

Row i of a matrix is an operator: a product of X (``hx``, ``gx``, ``lx``) or Z (``hz``, ``gz``, ``lz``) on the data
qubits where it is 1. A stabiliser code has no gauge operators: ``gx`` and ``gz`` equal the stabilisers. For a subsystem
code the measured operators are the gauge operators, and stabilisers are products of them. ``lx`` and ``lz`` are bare:
they commute with every gauge operator, row i of one anticommutes with row i of the other and with no other row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from qmk.base.errors import QmkError
from qmk.models.qec import gf2
from qmk.models.qec.gf2 import Bits


@dataclass(frozen=True, eq=False)
class Code:
    """``params`` build it again; ``coords`` place the data qubits; ``ancillas`` are the qubits that measure; ``cycle``
    names the layers of one round of syndrome extraction by kind, as noise models name durations ("1q", "2q",
    "measure", "reset"). ``bound`` True: ``distance`` is an upper bound from the literature or a search."""

    family: str
    name: str
    params: Mapping[str, int]
    n: int
    k: int
    distance: int
    ancillas: int
    cycle: tuple[str, ...]
    hx: Bits | None = None
    hz: Bits | None = None
    gx: Bits | None = None
    gz: Bits | None = None
    lx: Bits | None = None
    lz: Bits | None = None
    coords: tuple[tuple[float, ...], ...] = ()
    note: str = ""
    checks: Mapping[str, Bits] = field(default_factory=dict[str, Bits])
    """Further matrices that the circuits of a family use."""

    @property
    def spec(self) -> str:
        """Canonical text, which ``codes.parse`` reads."""
        inside = ",".join(f"{key}={value}" for key, value in self.params.items())
        return f"{self.family}({inside})"

    @property
    def physical_qubits(self) -> int:
        """Data qubits and ancillas."""
        return self.n + self.ancillas

    @property
    def gauge_qubits(self) -> int:
        """Degrees of freedom of a subsystem code that hold nothing: n - k - rank of the stabilisers."""
        if self.hx is None or self.hz is None:
            return 0
        return self.n - self.k - gf2.rank(self.hx) - gf2.rank(self.hz)

    def cycle_s(self, durations: Mapping[str, float]) -> float:
        """Seconds of one round, from seconds by kind of layer. Raises INVALID_PARAMS where one is missing."""
        for kind in self.cycle:
            if kind not in durations:
                raise QmkError(
                    "INVALID_PARAMS", f"no duration of '{kind}', which a round of {self.spec} has", field="durations"
                )
        return sum(durations[kind] for kind in self.cycle)

    def with_distance(self, d: int) -> Code:
        """The member of this family of distance ``d``. Raises INVALID_PARAMS where there is none."""
        from qmk.models.qec.codes import FAMILIES

        return FAMILIES[self.family].at_distance(d)

    def faults(self) -> list[str]:
        """What contradicts the parameters, exactly, over GF(2); empty where all is well, but for the distance."""
        if self.hx is None or self.hz is None or self.gx is None or self.gz is None:
            return []
        found: list[str] = []
        lx, lz = self.lx, self.lz
        assert lx is not None, "a CSS code has bare logical operators"
        assert lz is not None, "a CSS code has bare logical operators"
        commuting = {
            "hx and gz": (self.hx, self.gz),
            "hz and gx": (self.hz, self.gx),
            "lx and gz": (lx, self.gz),
            "lz and gx": (lz, self.gx),
        }
        found += [f"{names} do not commute" for names, (a, b) in commuting.items() if gf2.times(a, b.T).any()]
        if not np.array_equal(gf2.times(lx, lz.T), np.eye(self.k, dtype=np.uint8)):
            found.append("lx and lz are not conjugate")
        for name, h, g in (("X", self.hx, self.gx), ("Z", self.hz, self.gz)):
            if gf2.rank(np.vstack([g, h])) != gf2.rank(g):
                found.append(f"a stabiliser of {name} is not a product of gauge operators")
        if self._qubits() != self.k:
            found.append(f"the operators leave {self._qubits()} logical qubits, not {self.k}")
        return found

    def _qubits(self) -> int:
        """The number of logical qubits: n - rank(gx) - rank(gz) + the number of gauge qubits, each of which both
        matrices hold one operator of."""
        assert self.gx is not None, "asked only of CSS codes"
        assert self.gz is not None, "asked only of CSS codes"
        pairs = gf2.rank(gf2.times(self.gx, self.gz.T))
        return self.n - gf2.rank(self.gx) - gf2.rank(self.gz) + pairs

    def __repr__(self) -> str:
        return f"<Code {self.spec} [[{self.n},{self.k},{self.distance}]]>"
