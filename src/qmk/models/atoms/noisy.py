"""Errors of devices for analog programs, by name, and programs with them.

``noisy`` puts into a graph what a device's atoms suffer: sites that stay empty, atoms that are lost before the light
comes, rates and deviations of the evolution, and wrong readings. Sequences ``pre`` and ``post`` of ``to_graph`` are
then what a camera would see: ``pre`` is 0 at an empty site, ``post`` is 0 for a lost atom too.
"""

from __future__ import annotations

import math
from typing import Any

import msgspec

from qmk.base.errors import QmkError
from qmk.qvm.families import analog, atoms, noise
from qmk.qvm.graph import Graph, Node

BOLTZMANN = 1.380649e-23
"""The Boltzmann constant in J/K, which is exact."""
RUBIDIUM_KG = 1.443160648e-25
"""The mass of 87Rb in kg: 86.909180531 u."""
WAVE_NUMBER = 8.7
"""Wave number in rad/um that a two-photon transition of 87Rb takes up: 420 nm against 1013 nm, as in Pulser."""


def doppler_sigma(temperature_uk: float, wave_number: float = WAVE_NUMBER, mass_kg: float = RUBIDIUM_KG) -> float:
    """Standard deviation in rad/us of the detuning of an atom at ``temperature_uk`` uK: k sqrt(k_B T / m), with
    ``wave_number`` k in rad/um. 1 m/s is 1 um/us. For ``detuning_atom_sigma_rad_per_us``."""
    return wave_number * math.sqrt(BOLTZMANN * temperature_uk * 1e-6 / mass_kg)


class AtomNoise(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """``evolution``: the argument ``noise`` of ``analog.rydberg`` or ``analog.rydberg3``. ``empty``: probability that a
    site has no atom, as the picture before shows; ``missing``: that its atom is lost after that picture. ``p01``: that
    an atom in g, or in |0> of three levels, reads as 1; ``p10``: that one in r, or in |1>, reads as 0."""

    name: str
    sources: tuple[str, ...] = ()
    evolution: dict[str, float] = {}
    empty: float = 0.0
    missing: float = 0.0
    p01: float = 0.0
    p10: float = 0.0

    @property
    def loses(self) -> bool:
        """Whether atoms may be lost."""
        return bool(self.empty or self.missing or self.evolution.get("loss_per_us"))


def _aquila() -> AtomNoise:
    """T1 and the echo's T2 are rates; what T2* is shorter by is a deviation s of the detuning, exp(-(s t)^2 / 2), so
    that the coherence is 1/e at T2*. Its bound on detuning errors, 1 rad/us, would by itself give a T2* of 1.4 us, so
    it is not used."""
    lifetime, echo, star = 75.0, 8.0, 5.0
    return AtomNoise(
        name="aquila",
        sources=("Amazon Braket, QueraAhsParadigmProperties of QuEra Aquila, performance: typical values",),
        evolution={
            "decay_per_us": 1 / lifetime,
            "dephasing_per_us": 1 / echo - 0.5 / lifetime,
            "amplitude_sigma": 0.03,
            "amplitude_atom_sigma": 0.02,
            "detuning_atom_sigma_rad_per_us": math.sqrt(2 * (1 - star / echo)) / star,
            "position_sigma_um": math.hypot(0.1, 0.2),
        },
        empty=0.008,
        missing=0.005,
        p01=0.05,
        p10=0.10,
    )


def _pasqal() -> AtomNoise:
    return AtomNoise(
        name="pasqal",
        sources=("Pulser 1.9 documentation, noise model of an example: eta, epsilon, epsilon', T = 50 uK, amplitude",),
        evolution={"amplitude_sigma": 0.05, "detuning_atom_sigma_rad_per_us": doppler_sigma(50.0)},
        missing=0.005,
        p01=0.01,
        p10=0.05,
    )


def _ytterbium() -> AtomNoise:
    """Of three levels, nothing but the memory of the nuclear spin: the echo's T2 is a rate, what T2* is shorter by a
    deviation, as in ``_aquila``."""
    echo, star = 7.9e6, 3.7e6
    return AtomNoise(
        name="ytterbium",
        sources=("Jenkins et al., arXiv:2112.06732: nuclear spin of 171Yb, T2* 3.7 s, T2 with an echo 7.9 s",),
        evolution={
            "ground_dephasing_per_us": 1 / echo,
            "ground_detuning_atom_sigma_rad_per_us": math.sqrt(2 * (1 - star / echo)) / star,
        },
    )


def atom_noises() -> dict[str, AtomNoise]:
    """Every preset by its name."""
    return {row.name: row for row in (_aquila(), _pasqal(), _ytterbium())}


def noisy(graph: Graph, errors: AtomNoise | str) -> Graph:
    """``graph`` with the errors of a preset, or one's own. Raises INVALID_PARAMS for a name that is none, or for a
    program without evolutions, which would come out without any errors; UNSUPPORTED where an evolution has noise
    already."""
    if isinstance(errors, str):
        found = atom_noises().get(errors)
        if found is None:
            known = ", ".join(atom_noises())
            raise QmkError("INVALID_PARAMS", f"no errors '{errors}'; there are {known}", field="noise", help=known)
        errors = found
    if not any(node.op.startswith("analog.") for node in graph.nodes):
        raise QmkError(
            "INVALID_PARAMS",
            f"errors '{errors.name}' are those of evolutions, and the program has none",
            field="noise",
            help="give gates a model such as depolarizing=1e-3",
        )
    return _Writing(graph, errors).graph_of()


class _Writing:
    def __init__(self, graph: Graph, errors: AtomNoise) -> None:
        self.graph, self.errors = graph, errors
        self.evolved = {qubit for node in graph.nodes if node.op.startswith("analog.") for qubit in node.vqs}
        self.lost: dict[str, str] = {}
        """For each event of a measurement, the event that says whether its atom is lost."""
        self.nodes: list[Node] = []

    def graph_of(self) -> Graph:
        for node in self.graph.nodes:
            match node.op:
                case "core.alloc":
                    self.nodes.append(node)
                    for qubit in node.vqs:
                        self._fill(qubit)
                case "analog.rydberg" | "analog.rydberg3":
                    self._evolve(node)
                case "core.mz" | "atoms.mz" if node.vqs[0] in self.evolved:
                    self._read(node)
                case "core.lut" if self.errors.loses:
                    self._see(node)
                case _:
                    self.nodes.append(node)
        used = (f"{family.name}@{family.version}" for family in (noise.FAMILY, atoms.FAMILY))
        families = self.graph.families and tuple(dict.fromkeys((*self.graph.families, *used)))
        events = tuple(dict.fromkeys(event for node in self.nodes for event in node.produces))
        return msgspec.structs.replace(
            self.graph,
            nodes=tuple(self.nodes),
            events=tuple(dict.fromkeys((*self.graph.events, *events))),
            families=families,
            metadata={**self.graph.metadata, "noise": {"name": self.errors.name}},
        )

    def _fill(self, qubit: str) -> None:
        if qubit not in self.evolved or not self.errors.loses:
            return
        self._add(f"empty_{qubit}", "noise.loss", {"p": self.errors.empty}, (qubit,))
        self._add(f"look_{qubit}", "atoms.check", {}, (qubit,), produces=(f"empty_{qubit}",))
        self._add(f"missing_{qubit}", "noise.loss", {"p": self.errors.missing}, (qubit,))

    def _evolve(self, node: Node) -> None:
        if node.args.get("noise"):
            raise _refusal(node, "it has noise of its own")
        strange = [key for key in self.errors.evolution if key not in analog.noise_keys(node.op)]
        if strange:
            raise _refusal(
                node,
                f"errors '{self.errors.name}' have {strange[0]}, which atoms of two levels have not",
                "leave it out, or take a preset of two levels: aquila or pasqal",
            )
        args = {**node.args, "noise": dict(self.errors.evolution)}
        self.nodes.append(msgspec.structs.replace(node, args=args))

    def _read(self, node: Node) -> None:
        event, *flags = node.produces
        wrong = {name: p for name, p in (("p01", self.errors.p01), ("p10", self.errors.p10)) if p}
        true = f"{event}__true" if wrong else event
        if flags:
            self.lost[event] = flags[0]
            produces, op = (true, flags[0]), node.op
        elif self.errors.loses:
            self.lost[event] = f"{event}__lost"
            produces, op = (true, self.lost[event]), "atoms.mz"
        else:
            produces, op = (true,), node.op
        self.nodes.append(msgspec.structs.replace(node, op=op, produces=produces))
        if wrong:
            self._add(f"misread_{event}", "noise.readout", wrong, inputs=(true,), produces=(event,), guard=node.guard)

    def _see(self, node: Node) -> None:
        """Events of ``to_graph``: an atom was there before (``there``), and is there afterwards (``left``)."""
        read = f"a{node.id.removeprefix('there')}"
        if node.id.startswith("there") and read in self.evolved and not node.inputs:
            node = msgspec.structs.replace(node, args={"table": 0b01}, inputs=(f"empty_{read}",))
        elif node.id.startswith("left") and len(node.inputs) == 1 and node.inputs[0] in self.lost:
            lost = self.lost[node.inputs[0]]
            node = msgspec.structs.replace(node, args={"table": 0b0001}, inputs=(node.inputs[0], lost))
        self.nodes.append(node)

    def _add(self, name: str, op: str, args: dict[str, Any], vqs: tuple[str, ...] = (), **rest: Any) -> None:
        self.nodes.append(Node(name, op, args, vqs, **rest))


def _refusal(node: Node, why: str, help: str | None = None) -> QmkError:
    more = {} if help is None else {"help": help}
    return QmkError("UNSUPPORTED", f"node '{node.id}' ({node.op}): {why}", node=node.id, op=node.op, **more)
