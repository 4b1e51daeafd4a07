"""The machine at a moment, and events that change it."""

from __future__ import annotations

from typing import Annotated

import msgspec

from qmk.adapting.files import wrong
from qmk.adapting.policy import Kind
from qmk.base.decoding import Decoding
from qmk.models.qec.logical.links import Link

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
Rounds = Annotated[float, msgspec.Meta(ge=0, le=1e12)]


class Module(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``noise`` of its physical qubits: a short form such as ``p=1e-3``, or a model as JSON. ``qubits``: physical ones;
    None: any number."""

    noise: str
    qubits: Annotated[int, msgspec.Meta(ge=1)] | None = None


class LinkState(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A pair of logical qubits of this fidelity, every so many rounds."""

    period_rounds: Annotated[float, msgspec.Meta(gt=0, le=1e9)]
    fidelity: Annotated[float, msgspec.Meta(gt=0.5, le=1)]

    @property
    def link(self) -> Link:
        return Link(self.period_rounds, self.fidelity)


class World(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``units``: how many makers of T states work, by what a machine calls them; None: any number. ``decoder``: as
    ``qmk serve --decoder`` takes it; ``others``: what others load it with; ``latency_rounds``: of an answer of an idle
    decoder. ``link``: between the first module and the second."""

    modules: Annotated[dict[str, Module], msgspec.Meta(min_length=1, max_length=8)]
    units: dict[Name, Annotated[int, msgspec.Meta(ge=1, le=1000)]] | None = None
    decoder: Annotated[str, msgspec.Meta(max_length=100)] = ""
    others: Annotated[float, msgspec.Meta(ge=0, le=100)] = 0.0
    latency_rounds: Annotated[int, msgspec.Meta(ge=0, le=100_000)] = 0
    link: LinkState | None = None

    def __post_init__(self) -> None:
        if self.link is not None and len(self.modules) < 2:
            raise wrong("machine", "a link with one module", "give two modules, or no link")
        if self.decoding is None and (self.others or self.latency_rounds):
            raise wrong("machine", "a load or a latency without a decoder", 'give "decoder", such as "event=1e-7"')

    @property
    def decoding(self) -> Decoding | None:
        return Decoding.parse(self.decoder) if self.decoder else None


class Event(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True, kw_only=True):
    """What changes at a round of the machine's clock, and is known from then on. ``drift``: ``noise`` of ``module``, of
    all without one. ``link``: its state. ``decoder``: its text or what ``others`` load it with. ``factory``: so many of
    ``unit`` work."""

    at_round: Rounds
    kind: Kind
    module: Name | None = None
    noise: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    link: LinkState | None = None
    decoder: Annotated[str, msgspec.Meta(max_length=100)] | None = None
    others: Annotated[float, msgspec.Meta(ge=0, le=100)] | None = None
    unit: Name | None = None
    working: Annotated[int, msgspec.Meta(ge=1, le=1000)] | None = None

    def on(self, world: World) -> World:
        """The machine after the event. Raises INVALID_PARAMS for one that tells nothing, or of what is not there."""
        change = msgspec.structs.replace
        if self.kind == "drift" and self.noise is not None:
            names = tuple(world.modules) if self.module is None else (self.module,)
            if set(names) <= set(world.modules):
                new = {name: change(world.modules[name], noise=self.noise) for name in names}
                return change(world, modules={**world.modules, **new})
        elif self.kind == "link" and self.link is not None and world.link is not None:
            return change(world, link=self.link)
        elif self.kind == "decoder" and (self.decoder or self.others is not None):
            others = world.others if self.others is None else self.others
            return change(world, decoder=self.decoder or world.decoder, others=others)
        elif self.kind == "factory" and self.working is not None and self.unit in (units := world.units or {}):
            return change(world, units={**units, self.unit: self.working})
        raise wrong(
            "events",
            f"a '{self.kind}' at round {self.at_round:g} that changes nothing of this machine",
            "a drift takes noise and perhaps a module, a link its state, a decoder its text or others, a factory a "
            "unit and how many of it work",
        )
