"""Operations of Strawberry Fields as ops of light, by name: for its language and for its programs.

Definitions are those of Strawberry Fields 0.23 with hbar = 2; where it decomposes an operation, so is it here.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from qmk.qvm.families import photonic
from qmk.qvm.graph import Graph, Node, Output
from qmk.sdk.frontend import Refused

Placed = tuple[str, dict[str, Any], tuple[int, ...]]
"""An op's short name, its arguments, and which of the operation's modes it acts on."""

PI = math.pi


class Operation(NamedTuple):
    """``defaults``: a value for each parameter, None where it must be given. ``make`` takes the parameters."""

    modes: int
    defaults: tuple[float | None, ...]
    make: Callable[..., list[Placed]]
    names: tuple[str, ...] = ()


def _gate(
    short: str, *args: str, modes: int = 1, defaults: tuple[float | None, ...] = (), names: tuple[str, ...] = ()
) -> Operation:
    on = tuple(range(modes))

    def make(*values: float) -> list[Placed]:
        return [(short, dict(zip(args, values, strict=True)), on)]

    return Operation(modes, defaults or (None,) * len(args), make, names or args)


def _quadratic(s: float) -> list[Placed]:
    half = s / 2
    angle = math.atan(half)
    r, phi = math.acosh(math.sqrt(1 + half * half)), -PI / 2 * math.copysign(1, half) - angle
    return [("squeeze", {"r": r, "phi": phi}, (0,)), ("shift_phase", {"phi": angle}, (0,))]


def _controlled_x(s: float) -> list[Placed]:
    r = math.asinh(-s / 2)
    theta = 0.5 * math.atan2(-1 / math.cosh(r), -math.tanh(r))
    return [
        ("beam_splitter", {"theta": theta, "phi": 0.0}, (0, 1)),
        ("squeeze", {"r": r}, (0,)),
        ("squeeze", {"r": -r}, (1,)),
        ("beam_splitter", {"theta": theta + PI / 2, "phi": 0.0}, (0, 1)),
    ]


def _controlled_z(s: float) -> list[Placed]:
    return [("shift_phase", {"phi": -PI / 2}, (1,)), *_controlled_x(s), ("shift_phase", {"phi": PI / 2}, (1,))]


def _symmetric(inner: float, outer: float) -> list[Placed]:
    """A Mach-Zehnder interferometer with a phase in each arm, between beam splitters (pi/4, pi/2)."""
    first, second = inner - PI / 2, outer - PI / 2
    half = ("beam_splitter", {"theta": PI / 4, "phi": PI / 2}, (0, 1))
    return [half, ("shift_phase", {"phi": first}, (0,)), ("shift_phase", {"phi": second}, (1,)), half]


def _displaced_squeezed(r: float, phi: float, squeezing: float, angle: float) -> list[Placed]:
    return [
        ("prepare_squeezed", {"r": squeezing, "phi": angle}, (0,)),
        ("displace", {"r": r, "phi": phi}, (0,)),
    ]


def _one(short: str, value: Callable[[float], dict[str, Any]]) -> Callable[[float], list[Placed]]:
    return lambda given: [(short, value(given), (0,))]


_POLAR: tuple[float | None, ...] = (None, 0.0)

OPERATIONS: dict[str, Operation] = {
    "Vacuum": _gate("prepare_vacuum"),
    "Fock": _gate("prepare_fock", "n"),
    "Coherent": _gate("prepare_coherent", "r", "phi", defaults=(0.0, 0.0)),
    "Squeezed": _gate("prepare_squeezed", "r", "phi", defaults=(0.0, 0.0), names=("r", "p")),
    "DisplacedSqueezed": Operation(1, (0.0,) * 4, _displaced_squeezed, ("r_d", "phi_d", "r_s", "phi_s")),
    "Thermal": _gate("prepare_thermal", "nbar", defaults=(0.0,), names=("n",)),
    "Dgate": _gate("displace", "r", "phi", defaults=_POLAR),
    "Xgate": Operation(1, (None,), _one("displace", lambda x: {"r": x / 2, "phi": 0.0}), ("x",)),
    "Zgate": Operation(1, (None,), _one("displace", lambda p: {"r": p / 2, "phi": PI / 2}), ("p",)),
    "Sgate": _gate("squeeze", "r", "phi", defaults=_POLAR),
    "Pgate": Operation(1, (None,), _quadratic, ("s",)),
    "Vgate": _gate("cubic_phase", "gamma"),
    "Kgate": _gate("kerr", "kappa"),
    "Rgate": _gate("shift_phase", "phi", names=("theta",)),
    "Fouriergate": Operation(1, (), lambda: [("shift_phase", {"phi": PI / 2}, (0,))]),
    "BSgate": _gate("beam_splitter", "theta", "phi", modes=2, defaults=(PI / 4, PI / 2)),
    "MZgate": _gate("mach_zehnder", "inner", "outer", modes=2, names=("phi_in", "phi_ex")),
    "sMZgate": Operation(2, (None, None), _symmetric, ("phi_in", "phi_ex")),
    "S2gate": _gate("squeeze_two", "r", "phi", modes=2, defaults=_POLAR),
    "CXgate": Operation(2, (1.0,), _controlled_x, ("s",)),
    "CZgate": Operation(2, (1.0,), _controlled_z, ("s",)),
    "CKgate": _gate("cross_kerr", "kappa", modes=2),
    "LossChannel": _gate("lose", "transmission", names=("T",)),
    "ThermalLossChannel": _gate("lose_thermal", "transmission", "nbar", names=("T", "nbar")),
    "MeasureHomodyne": _gate("homodyne", "phi"),
    "MeasureX": Operation(1, (), lambda: [("homodyne", {"phi": 0.0}, (0,))]),
    "MeasureP": Operation(1, (), lambda: [("homodyne", {"phi": PI / 2}, (0,))]),
    "MeasureHeterodyne": _gate("heterodyne"),
    "MeasureFock": _gate("count_photons"),
    "MeasureThreshold": _gate("detect_photons"),
}
for _other, _name in {"Vac": "Vacuum", "Fourier": "Fouriergate", "MeasureHD": "MeasureHeterodyne"}.items():
    OPERATIONS[_other] = OPERATIONS[_name]

FOREIGN = frozenset(
    ("Catstate", "GKP", "Ket", "DensityMatrix", "Gaussian", "GaussianTransform", "GraphEmbed", "BipartiteGraphEmbed",
     "MSgate", "PassiveChannel", "Bosonic", "Del", "All", "Ggate")
)  # fmt: skip
"""Operations of Strawberry Fields that no op of light stands for."""

_MEASURING = ("count_photons", "detect_photons", "homodyne", "heterodyne")
_TURNED = ("r", "phi", "kappa", "gamma")
_ADDING = ("prepare_coherent", "prepare_squeezed", "prepare_thermal", "displace", "squeeze", "squeeze_two",
           "cubic_phase", "lose_thermal")  # fmt: skip


def inverse(ops: Sequence[Placed]) -> list[Placed]:
    """The ops that undo these. Raises ``Refused`` for a measurement, a preparation or a loss."""
    out: list[Placed] = []
    for short, args, on in reversed(ops):
        name = {"beam_splitter": "theta", "squeeze": "r", "squeeze_two": "r", "displace": "r", "shift_phase": "phi"}
        turned = {**name, "kerr": "kappa", "cross_kerr": "kappa", "cubic_phase": "gamma"}.get(short)
        if short == "interferometer":
            rows = args["matrix"]
            out.append((short, {"matrix": [[[r[k][0], -r[k][1]] for r in rows] for k in range(len(rows))]}, on))
        elif short == "mach_zehnder":
            out += inverse(_plain_mach_zehnder(args))
        elif turned is not None:
            out.append((short, {**args, turned: -args[turned]}, on))
        else:
            raise Refused("BLACKBIRD-05", f"{short} has no inverse")
    return out


def _plain_mach_zehnder(args: dict[str, Any]) -> list[Placed]:
    half = ("beam_splitter", {"theta": PI / 4, "phi": PI / 2}, (0, 1))
    outer, inner = (("shift_phase", {"phi": args[name]}, (0,)) for name in ("outer", "inner"))
    return [outer, half, inner, half]


def interferometer(rows: Sequence[Sequence[complex]]) -> Placed:
    """The op of a unitary matrix."""
    entries = [[[complex(x).real, complex(x).imag] for x in row] for row in rows]
    return ("interferometer", {"matrix": entries}, tuple(range(len(entries))))


class Writer:
    """A graph under construction. ``most``: the largest number that a counter tells; None: as the module says."""

    def __init__(self, modes: int, most: int | None = None) -> None:
        self.handles = tuple(f"q{k}" for k in range(modes))
        args = {"n": modes, "carrier": "mode"}
        self.nodes = [Node("n0", "core.alloc", args, self.handles, caps=("CAP_ALLOC",))] if modes else []
        self.most = most
        self.photons, self.adds = 0, False
        self.outputs: list[tuple[int, Output]] = []
        self.counted: list[int] = []

    def operation(self, name: str, given: Sequence[Any], modes: Sequence[int], undo: bool = False) -> None:
        """An operation with all its parameters. Raises ``Refused``."""
        if name == "Interferometer":
            (matrix,) = given
            placed = [interferometer(matrix)]
            if len(matrix) != len(modes):
                raise Refused("BLACKBIRD-04", f"a matrix of {len(matrix)} rows on {len(modes)} modes")
        else:
            placed = OPERATIONS[name].make(*given)
            if placed[0][0] not in _MEASURING and len(modes) != OPERATIONS[name].modes:
                text = f"{name} takes {OPERATIONS[name].modes} mode(s), and {len(modes)} are given"
                raise Refused("BLACKBIRD-04", text)
        for short, args, on in inverse(placed) if undo else placed:
            if short in _MEASURING:
                for mode in modes:
                    self._measure(short, args, mode)
            else:
                self._add(short, args, tuple(modes[k] for k in on))

    def _add(self, short: str, args: dict[str, Any], modes: tuple[int, ...], produces: tuple[str, ...] = ()) -> None:
        if short == "prepare_fock":
            if args["n"] != int(args["n"]) or not 0 <= args["n"] <= 255:
                raise Refused("BLACKBIRD-04", f"Fock({args['n']}): a number of photons is a whole number up to 255")
            args = {"n": int(args["n"])}
            self.photons += args["n"]
        self.adds = self.adds or short in _ADDING
        vqs = tuple(self.handles[mode] for mode in modes)
        self.nodes.append(Node(f"n{len(self.nodes)}", f"photonic.{short}", args, vqs, produces=produces))

    def _measure(self, short: str, args: dict[str, Any], mode: int) -> None:
        again = sum(each == mode for each, _ in self.outputs)
        name = f"q{mode}_{again}" if again else f"q{mode}"
        self.outputs.append((mode, Output(name, (), True)))
        self.counted.append(len(self.nodes))
        self._add(short, args, (mode,))

    def graph(self, shots: int | None = None) -> Graph:
        """The whole, with the bits that counters need."""
        most = self.most if self.most is not None else photonic.MOST if self.adds else max(self.photons, 1)
        nodes, events = list(self.nodes), list[str]()
        outputs: list[tuple[int, Output]] = []
        for at, (mode, output) in zip(self.counted, self.outputs, strict=True):
            node = nodes[at]
            args = {**node.args, "most": min(most, 255)} if node.op == "photonic.count_photons" else node.args
            size = photonic.n_events(node.op, args)
            made = tuple(f"e_{output.name}_{k}" for k in range(1 if size < 0 else size))
            events += made
            nodes[at] = Node(node.id, node.op, args, node.vqs, produces=made)
            outputs.append((mode, Output(output.name, tuple(reversed(made)), True)))
        if self.handles:
            nodes.append(Node(f"n{len(nodes)}", "core.free", vqs=self.handles))
        return Graph(
            nodes=tuple(nodes),
            vqs=self.handles,
            events=tuple(events),
            caps=("CAP_ALLOC",),
            families=("core@1", f"photonic@{photonic.FAMILY.version}"),
            outputs=tuple(output for _, output in sorted(outputs, key=lambda pair: pair[0])) or None,
            shots=shots,
        )
