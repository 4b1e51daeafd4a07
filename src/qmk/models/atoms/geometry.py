"""Where atoms can be: sites in um with zones, and which of them have an atom.

One form for every device. Lattices are a short way to write sites down: a ``Geometry`` that is made, or read from JSON,
has them written out in ``sites``.
"""

from __future__ import annotations

import itertools
from typing import Literal

import msgspec

from qmk.base.errors import QmkError
from qmk.base.limits import check

Point = tuple[float, float, float]

Role = Literal["", "data", "ancilla", "parking", "calibration", "storage", "entangling", "readout"]


class Site(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A place for one atom; ``x``, ``y`` and ``z`` in um. ``zone`` is the id of a ``Zone``, "" for none."""

    id: int
    x: float
    y: float = 0.0
    z: float = 0.0
    zone: str = ""

    @property
    def point(self) -> Point:
        return self.x, self.y, self.z


class Lattice(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Sites at equal steps (um) from ``corner``, with ids ``first + column + columns * (row + rows * layer)``."""

    columns: int
    rows: int = 1
    layers: int = 1
    spacing: Point = (1.0, 1.0, 1.0)
    corner: Point = (0.0, 0.0, 0.0)
    first: int = 0
    zone: str = ""

    def sites(self) -> tuple[Site, ...]:
        """Raises INVALID_PARAMS for counts below 1, QUOTA_EXCEEDED for more than the limit ``sites``."""
        counts = (self.layers, self.rows, self.columns)
        if min(counts) < 1:
            raise QmkError(
                "INVALID_PARAMS", f"a lattice of {self.columns} columns, {self.rows} rows, {self.layers} layers"
            )
        check("sites", self.layers * self.rows * self.columns, "a lattice")
        (x, y, z), (dx, dy, dz) = self.corner, self.spacing
        places = itertools.product(*map(range, counts))
        return tuple(
            Site(self.first + at, x + c * dx, y + r * dy, z + k * dz, self.zone) for at, (k, r, c) in enumerate(places)
        )


class Zone(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Sites that are used alike. ``entangles``: gates on several qubits run there; ``measures``: measurements do."""

    id: str
    role: Role = ""
    entangles: bool = True
    measures: bool = True


class Configuration(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Which sites have an atom when a shot begins: qubit k is the atom at site ``sites[k]`` (ids)."""

    name: str
    sites: tuple[int, ...]
    doc: str = ""


class Geometry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """The sites of a device. Sites in no zone entangle and measure. The first configuration is the one taken unless
    another is asked for; without any, every site has an atom, in order of ``sites``.

    Raises QUOTA_EXCEEDED for more sites than the limit ``sites``.
    """

    sites: tuple[Site, ...] = ()
    lattices: tuple[Lattice, ...] = ()
    zones: tuple[Zone, ...] = ()
    configurations: tuple[Configuration, ...] = ()

    def __post_init__(self) -> None:
        written = list(self.sites)
        for lattice in self.lattices:
            check("sites", len(written) + lattice.columns, "a geometry")
            written += lattice.sites()
        check("sites", len(written), "a geometry")
        msgspec.structs.force_setattr(self, "sites", tuple(written))
        msgspec.structs.force_setattr(self, "lattices", ())

    def occupied_sites(self, name: str = "") -> tuple[int, ...]:
        """Site ids with an atom in the configuration ``name``, the first one if "". Raises INVALID_PARAMS."""
        if not self.configurations and not name:
            return tuple(site.id for site in self.sites)
        found = next((row for row in self.configurations if not name or row.name == name), None)
        if found is None:
            known = ", ".join(row.name for row in self.configurations) or "none"
            raise QmkError(
                "INVALID_PARAMS",
                f"there is no configuration '{name[:80]}'; there are {known}",
                field="configuration",
                help="name one of these after the colon: DEVICE:CONFIGURATION",
            )
        return found.sites
