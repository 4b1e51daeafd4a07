"""What a variant of a program takes, from the machine of logical qubits that would run it.

Nothing is estimated beside it: a profile is the program written for that machine (``models.qec.logical.patches``), with
the rows of its table, its factories and its waits, without being run.
"""

from __future__ import annotations

import dataclasses
import functools
import math
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

import msgspec

from qmk.adapting.backlog import Backlog
from qmk.adapting.files import wrong
from qmk.adapting.policy import CUT
from qmk.adapting.variants import Variant
from qmk.adapting.world import Module, World
from qmk.base.errors import QmkError
from qmk.models.noise import NoiseModel
from qmk.models.qec.code import Code
from qmk.models.qec.logical import costs
from qmk.models.qec.logical.decoding import events_per_round
from qmk.models.qec.logical.footprints import MOVE_CYCLES, noise_of
from qmk.models.qec.logical.links import Links
from qmk.models.qec.logical.machine import tiles_of
from qmk.models.qec.logical.patches import Used, write_patches
from qmk.models.qec.logical.states import States, factory_of, states
from qmk.models.qec.tables import Channels, Table, channels, default
from qmk.qvm.graph import Graph, digest

MATCHING = "matching"
CACHED = 4096
"""Profiles that are kept."""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """Of a shot: ``success``: the chance that nothing flips; ``rounds`` of syndrome extraction at full rate, the last
    answer of the decoder among them. ``qubits``: physical ones, with those of factories. ``load`` of the decoder.
    ``stalled``: cycles for which T gates waited for states."""

    success: float
    rounds: float
    qubits: int
    load: float = 0.0
    t_gates: int = 0
    stalled: int = 0
    pairs: int = 0


@dataclass(frozen=True)
class Past:
    """What is behind a program at a fence. ``epoch``: epochs; ``was``: the variant of the last; ``rounds`` and
    ``flips``, those that are expected, so far; ``behind_rounds`` of the decoder; ``seed`` of factories and links."""

    epoch: int = 0
    was: Variant | None = None
    rounds: float = 0.0
    flips: float = 0.0
    behind_rounds: float = 0.0
    seed: int = 0

    @property
    def success(self) -> float:
        return math.exp(-self.flips)


@dataclass(frozen=True)
class Written:
    """A program as this variant runs it, from a fence on; ``used`` is of the rest."""

    graph: Graph
    used: Used
    flips: float
    qubits: int
    backlog: Backlog | None
    d: int
    stretch: int

    def rounds_of(self, cycles: int) -> float:
        return float(cycles * self.d * self.stretch)

    def profile(self, past: Past) -> Profile:
        rounds = past.rounds + self.rounds_of(self.used.cycles)
        if self.backlog is not None:
            end = self.backlog.after(self.used.cycles * self.d)
            rounds += (end.behind_rounds + end.latency_rounds) * self.stretch
        return Profile(
            success=math.exp(-past.flips - self.flips),
            rounds=rounds,
            qubits=self.qubits,
            load=0.0 if self.backlog is None else self.backlog.load,
            t_gates=self.used.t_gates,
            stalled=self.used.stalled,
            pairs=self.used.pairs,
        )


def write(graph: Graph, variant: Variant, world: World, past: Past) -> Written:
    """``graph``: as it was written up to the fence. Raises UNSUPPORTED for what the table does not carry, and
    INVALID_PARAMS where the variant does not fit the machine."""
    machine, d = variant.machine, variant.distance
    model = _noise_of(variant, world)
    rates = rates_of(variant.code, d, model.to_json())
    working = variant.factories if world.units is None else min(variant.factories, world.units.get(variant.t, 0))
    if variant.factories and not working:
        raise QmkError("UNSUPPORTED", f"no maker of {variant.t} states works", field="policy")
    made = _states(rates, d, variant, working, model, past.seed)
    links = _links(graph, variant, world, rates, past.seed)
    qubits = _take_room(graph, variant, world, machine.code, made)
    backlog = _backlog(variant, world, machine.code, qubits, model, past)
    reaction: Callable[[int], int] | int = 0
    if backlog is not None:
        reaction = functools.partial(backlog.wait_cycles, d=d)
    slow = rates.scale(variant.stretch) if variant.stretch > 1 else rates
    change, cycles = _change(graph, variant, world, past, slow, links)
    text = variant.text
    written, used = write_patches(graph, slow, made, text, model, reaction, past.epoch, change, cycles, links)
    if made is None and used.t_gates:
        raise QmkError("UNSUPPORTED", f"the table has no rows of injected states of {machine.code.spec}", field="code")
    flips = used.total(slow, 0.0 if made is None else made.error)
    return Written(written, used, flips, qubits, backlog, d, variant.stretch)


@functools.lru_cache(maxsize=1)
def table() -> Table:
    return default()


@functools.lru_cache(maxsize=256)
def rates_of(family: str, d: int, model: bytes) -> Channels:
    """The channels of the table under this noise model, as JSON."""
    return channels(table(), family, d, NoiseModel.from_json(model), MATCHING)


def _noise_of(variant: Variant, world: World) -> NoiseModel:
    """Of the module where the program is; of a program that is cut, of the worse of its modules."""
    if variant.place != CUT:
        return noise_of(_module(variant.place, world).noise)
    found = [noise_of(module.noise) for module in list(world.modules.values())[:2]]
    worst = [sum(rates_of(variant.code, variant.distance, model.to_json()).cycle.values()) for model in found]
    return found[worst.index(max(worst))]


def _module(name: str, world: World) -> Module:
    if name not in world.modules:
        raise wrong("policy", f"the machine has no module '{name}'", f"it has {', '.join(world.modules)}")
    return world.modules[name]


def _states(rates: Channels, d: int, variant: Variant, working: int, model: NoiseModel, seed: int) -> States | None:
    made = states(rates, d, factory_of(variant.t, model), working)
    return None if made is None else dataclasses.replace(made, seed=seed)


def places_of(graph: Graph, world: World) -> dict[str, str]:
    """The module of each qubit of a program that is cut: the first half of them in the first."""
    first, second = list(world.modules)[:2]
    half = (len(graph.vqs) + 1) // 2
    return {qubit: first if at < half else second for at, qubit in enumerate(graph.vqs)}


def _links(graph: Graph, variant: Variant, world: World, rates: Channels, seed: int) -> Links | None:
    if variant.place != CUT:
        return None
    if world.link is None:
        raise wrong("policy", "a program that is cut over modules without a link", "leave 'cut' out")
    step = 2 * costs.gate(rates, "cnot", 0.0).total()
    return Links(places_of(graph, world), world.link.link, variant.levels, variant.distance, step, seed, variant.shared)


def _take_room(graph: Graph, variant: Variant, world: World, code: Code, made: States | None) -> int:
    """Physical qubits. Raises UNSUPPORTED where a module has fewer; factories are in the first module of a program."""
    names = [variant.place] if variant.place != CUT else list(world.modules)[:2]
    total, patches = 0, len(graph.vqs)
    for at, name in enumerate(names):
        here = patches if len(names) == 1 else (patches + 1 - at) // 2
        factories = variant.factories if at == 0 and made is not None and made.factory is not None else 0
        needed = tiles_of(here) * code.physical_qubits
        if factories and made is not None and made.factory is not None:
            needed += factories * made.factory.physical_qubits(variant.distance)
        room = _module(name, world).qubits
        if room is not None and needed > room:
            raise QmkError(
                "UNSUPPORTED",
                f"{variant.text} takes {needed} qubits of module '{name}', which has {room}",
                field="policy",
            )
        total += needed
    return total


def _backlog(variant: Variant, world: World, code: Code, qubits: int, model: NoiseModel, past: Past) -> Backlog | None:
    decoding = world.decoding
    if decoding is None:
        return None
    own = decoding.load(events_per_round(code, qubits, model)) / variant.stretch
    return Backlog(world.others + own, world.latency_rounds / variant.stretch, past.behind_rounds / variant.stretch)


def _change(
    graph: Graph, variant: Variant, world: World, past: Past, rates: Channels, links: Links | None
) -> tuple[costs.Flips | None, int]:
    """What each patch suffers at the fence beyond waiting, and for how many cycles all wait."""
    was = past.was
    if was is None or (was.distance, was.code, was.place) == (variant.distance, variant.code, variant.place):
        return None, 1
    flips, cycles = costs.Flips([{"X": 0.0, "Z": 0.0}]), 0
    if (was.distance, was.code) != (variant.distance, variant.code):
        if was.distance < variant.distance:
            rates = rates_of(was.code, was.distance, _noise_of(variant, world).to_json())
        flips, cycles = costs.change(rates), 1
    if was.place != variant.place:
        cycles += MOVE_CYCLES * len(graph.vqs)
        if world.link is not None:
            wrong_pair = 2 * (1 - world.link.fidelity) / 3
            cycles += math.ceil(len(graph.vqs) * world.link.period_rounds / variant.distance)
            flips = costs.Flips([{flip: flips.one[0][flip] + wrong_pair for flip in ("X", "Z")}])
    return flips, cycles


class ProfileCache:
    """Programs written before, by digest, variant, machine and past; the oldest go first."""

    def __init__(self, size: int = CACHED) -> None:
        self._size = size
        self._kept: OrderedDict[bytes, Profile | str] = OrderedDict()
        self.hits = self.misses = 0

    def profile(self, graph: Graph, variant: Variant, world: World, past: Past) -> Profile:
        """Raises UNSUPPORTED where the variant cannot run."""
        key = msgspec.json.encode((digest(graph), variant, world, vars(past)))
        if key in self._kept:
            self.hits += 1
            self._kept.move_to_end(key)
            found = self._kept[key]
        else:
            self.misses += 1
            try:
                found = write(graph, variant, world, past).profile(past)
            except QmkError as error:
                if error.kind.name != "UNSUPPORTED":
                    raise
                found = error.message
            self._kept[key] = found
            while len(self._kept) > self._size:
                self._kept.popitem(last=False)
        if isinstance(found, str):
            raise QmkError("UNSUPPORTED", found, field="policy")
        return found

    def __len__(self) -> int:
        return len(self._kept)
