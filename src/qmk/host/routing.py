"""Uses the router for the host: which engines there are, what each would cost, and which one runs a program.

A decision depends only on the program, the shots and the engine asked for, so decisions are kept: a program that is
submitted again and again is looked at once. Each tenant has a room of its own, as for its programs (``host.programs``):
how long a decision takes tells nothing of another tenant's programs.
"""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from qmk import __version__
from qmk.abi.calls import q_estimate, q_query_resources
from qmk.base.errors import QmkError
from qmk.base.isolation import Level
from qmk.host import machine
from qmk.host.cluster.resources import Resources, memory_help, missing, most_memory
from qmk.host.isolation.policy import Isolation
from qmk.host.programs import LEAST_ROOMS
from qmk.host.spawn import External
from qmk.ir.summary import summarise
from qmk.kernel.objects.alternative import Alternative
from qmk.qvm.families import FAMILIES
from qmk.qvm.graph import Graph, once
from qmk.qvm.outputs import Outputs
from qmk.qvm.outputs import digest as outputs_digest
from qmk.router import rates
from qmk.router.features import SEGMENTS
from qmk.router.score import Candidate, recently_available
from qmk.rpc.kept import Kept
from qmk.sdk import discovery
from qmk.sdk.engine import UNCERTAINTY, Declaration, Features, Prediction

log = logging.getLogger("qmk.host")
KEPT = 4096
"""Decisions that are kept, and as many looks at programs, of all tenants that ever had a program routed together."""

SPLIT_S = 0.3
"""A job that is predicted to take less is one launch."""
BLOCK_S = 0.05
"""Predicted time of a block of points at least; about 5 ms of processor time are spent on each beside it."""
MOST_BLOCKS = 256
POINT_S = 1e-4
"""What a point of a sweep takes beside its shots: its program is read and planned."""

IDEAL = "noiseless logical qubits, any two of which may interact"


class Choice(msgspec.Struct, frozen=True):
    """The engine that will run a job, what it is predicted to need, and why it and not the others."""

    engine: str
    method: str
    seconds: float
    memory_bytes: int
    reasons: list[dict[str, Any]]
    fenced: bool = False
    """The program has fences and the method can stop at them."""
    uncertainty: float = 1.0
    alternatives: tuple[Alternative, ...] = ()
    """What the job may go on with instead, the best first; none where the engine was named."""
    version: str = ""


class _Room:
    """What is kept for one tenant: features by digest and method of the native engine, choices by all that they follow
    from."""

    def __init__(self) -> None:
        self.features: Kept[tuple[str, str], Features] = Kept()
        self.choices: Kept[tuple[str, int, str | None, str], Choice] = Kept()


class Routing:
    """``memory_bytes`` is what one job may need at most. ``external`` engines are added to the installed ones. The
    rates are those of ``data_dir``, read once; without a folder those of ``router.rates.default_path``."""

    def __init__(
        self,
        memory_bytes: int,
        workers: int,
        external: dict[str, External],
        data_dir: Path | None = None,
        isolation: Isolation | None = None,
    ) -> None:
        self.isolation = isolation or Isolation()
        self.memory_bytes = memory_bytes
        self.elsewhere: Callable[[], dict[str, Any]] = dict
        """What to say of the places other than this machine that run jobs."""
        self.slots: Sequence[Resources] = ()
        """What each place that runs jobs has, if they are described."""
        self._workers = workers
        self._external = {name: _load(engine) for name, engine in external.items()}
        self._rating = rates.rate(self.declarations, rates.default_path(data_dir))
        for note in self._rating.notes:
            log.warning("%s", note)
        self._rooms: dict[str, _Room] = {}

    @property
    def declarations(self) -> dict[str, Declaration]:
        """Every engine by name."""
        return {**discovery.engines(), **self._external}

    def resize(self, memory_bytes: int) -> None:
        """Sets how much memory the machine has for a job; decisions from when it had far more or less are forgotten."""
        if not self.memory_bytes / 2 <= memory_bytes <= self.memory_bytes * 2:
            for room in self._rooms.values():
                room.choices = Kept()
            self.memory_bytes = memory_bytes

    def choose(
        self,
        graph: Graph,
        digest: str,
        shots: int,
        engine: str | None,
        outputs: Outputs | None = None,
        packed: bytes = b"",
        *,
        all_engines: bool = False,
        tenant: str = "",
        floor: Level = "process",
        resources: Resources | None = None,
    ) -> Choice:
        """``packed``: of the graph, where it is at hand. ``all_engines``: look at each of them even where the native
        core is done at once. ``tenant``: whose program it is. ``floor``: the weakest isolation that
        it may run at. ``resources``: what the slot that runs it must have. Raises UNSUPPORTED with the gaps of every
        engine, or where none can run at the floor or no slot has the resources, RESOURCE_EXHAUSTED with the memory
        needed."""
        allowed = self._with_resources(self._engines_at(engine, floor), engine, resources or {})
        asked = sorted((resources or {}).items())
        key = (digest, shots, engine, f"{outputs_digest(outputs)}{'+' if all_engines else ''}{floor}{asked}")
        room = self._rooms.setdefault(tenant, _Room())
        kept = room.choices.get(key)
        if kept is not None:
            return kept
        look = self._look(room, graph, digest, packed)
        try:
            choice = self._choose(look, graph, shots, engine, outputs, all_engines, allowed, resources or {})
        except QmkError as error:
            if self.slots and "nearest" in error.fields:
                needs = self.needs(error.fields["nearest"].partition(":")[0], resources or {})
                error.fields["help"] = memory_help(self.slots, needs, error.fields["needed_bytes"])
            raise
        return room.choices.put(key, choice, 1, self._share())

    def _room_for(self, engine: str, asked: Resources) -> int:
        """Bytes that a job with these wishes may need on the engine."""
        return most_memory(self.slots, self.needs(engine, asked)) if self.slots else self.memory_bytes

    def blocks(self, outputs: Outputs | None, choice: Choice) -> int:
        """Into how many blocks a job is divided that runs beside itself on several slots; 0: not at all. Where that
        changes no bits it is done for what takes long enough."""
        if outputs is None or self._workers < 2 or choice.seconds < SPLIT_S:
            return 0
        if outputs.split:
            return outputs.split
        return min(len(outputs.points), MOST_BLOCKS, int(choice.seconds / BLOCK_S))

    def _engines_at(self, engine: str | None, floor: Level) -> Mapping[str, Declaration]:
        """The engines that can run at the floor; native code of users has no engine but one that is named. Raises
        UNSUPPORTED with the reason when ``engine`` cannot, or none."""
        wished = (engine or "native").partition(":")[0]
        plain = floor == "process" == self.isolation.floor
        allowed: dict[str, Declaration] = {}
        for name, declaration in self._rating.declarations.items():
            if declaration.native_code and name != wished:
                continue
            ours = None if name in self._external else declaration
            own = self.isolation.own_floor(name, ours) != "process"
            try:
                if own or not plain:
                    self.isolation.level_for(name, ours, floor)
            except QmkError:
                if name == wished:
                    raise
            else:
                allowed[name] = declaration
        return allowed

    def needs(self, engine: str, asked: Resources) -> dict[str, float]:
        """What a slot must have for a job that asks for these resources and runs on the engine."""
        declaration = self._rating.declarations.get(engine)
        own: Resources = declaration.resources if declaration is not None else {}
        return {name: max(own.get(name, 0.0), asked.get(name, 0.0)) for name in {**own, **asked}}

    def _with_resources(
        self, declarations: Mapping[str, Declaration], engine: str | None, asked: Resources
    ) -> Mapping[str, Declaration]:
        """The engines that a slot has the resources for. Raises UNSUPPORTED where no slot has what is asked for, or
        what ``engine`` needs."""
        if not asked and not any(declaration.resources for declaration in declarations.values()):
            return declarations
        wished = (engine or "").partition(":")[0]
        lack = missing(self.slots, self.needs(wished, asked))
        if lack:
            what = f"engine '{wished}' needs a slot that this daemon has not" if wished else "the job cannot run here"
            help = "ask for less, or describe such a slot to the daemon: qmk serve --cluster PLACE --slot gpu=1"
            raise QmkError("UNSUPPORTED", f"{what}: {lack}", field="resources", help=help)
        return {name: row for name, row in declarations.items() if not missing(self.slots, self.needs(name, asked))}

    def _share(self) -> int:
        """How many of each one tenant may have kept."""
        return max(1, KEPT // max(LEAST_ROOMS, len(self._rooms)))

    def _choose(
        self,
        look: Callable[[str], Features],
        graph: Graph,
        shots: int,
        engine: str | None,
        outputs: Outputs | None,
        all_engines: bool,
        declarations: Mapping[str, Declaration],
        asked: Resources,
    ) -> Choice:
        from qmk import router
        from qmk.router.outputs import with_outputs

        room = self._room_for((engine or "").partition(":")[0], asked)
        needy = [name for name, each in declarations.items() if self.slots and each.resources]
        known = look(native_method(engine) if "native" in declarations else "")
        counts = outputs is None or outputs.names <= {"counts", "sweep"}
        if counts and not (engine or all_engines) and router.is_at_once(known, shots, room):
            points = 1 if outputs is None else max(1, len(outputs.points))
            return self._native(known.native["auto"], shots, points)
        decision = router.choose(
            with_outputs(known, graph, outputs),
            shots,
            engine=engine,
            memory_bytes=room,
            less_bytes={name: self._room_for(name, asked) for name in needy},
            declarations=declarations,
        )
        best, *others = decision.candidates
        return Choice(
            engine=decision.engine,
            method=decision.method,
            seconds=decision.cost.seconds,
            memory_bytes=decision.cost.memory_bytes,
            reasons=msgspec.to_builtins(decision.candidates),
            fenced=best.fences,
            uncertainty=best.uncertainty or 1.0,
            alternatives=() if engine else tuple(_alternative(row) for row in others if not row.gaps),
            version=self.version(decision.engine),
        )

    def _native(self, found: Prediction, shots: int, points: int) -> Choice:
        """Chooses the native engine if it finishes a point before another could be chosen."""
        each_s = found.seconds(shots) + (POINT_S if points > 1 else 0.0)
        seconds, memory_bytes = points * each_s, int(found.memory_bytes)
        row = Candidate(
            engine="native",
            method="auto",
            chosen=True,
            seconds=seconds,
            memory_bytes=memory_bytes,
            uncertainty=UNCERTAINTY,
            reason=found.note,
        )
        return Choice(
            engine="native",
            method="auto",
            seconds=seconds,
            memory_bytes=memory_bytes,
            reasons=[msgspec.to_builtins(row)],
            uncertainty=UNCERTAINTY,
            version=self.version("native"),
        )

    def version(self, engine: str) -> str:
        """The version of QMK and of the engine's library, as one text; empty where that of the library is not known:
        its results cannot be told from those of another."""
        declaration = self._external.get(engine) or discovery.engines().get(engine)
        found = recently_available(declaration).version if declaration is not None else ""
        return f"qmk {__version__}, {engine} {found}" if found else ""

    def _look(self, room: _Room, graph: Graph, digest: str, packed: bytes = b"") -> Callable[[str], Features]:
        """Gives the features, with the prediction for a method of the native engine or "". The graph is looked at
        once, and only for what is not kept."""
        from qmk.router.features import Look

        looked: list[Look] = []

        def features(native: str) -> Features:
            def look(graph: Graph) -> Features:
                if not looked:
                    looked.append(Look(graph, packed))
                return looked[0].features(native)

            found = room.features.get((digest, native))
            if found is not None:
                return found
            return room.features.put((digest, native), once(graph, ("features", native), look), 1, self._share())

        return features

    def estimate(
        self, graph: Graph, digest: str, shots: int, outputs: Outputs | None = None, *, tenant: str = ""
    ) -> q_estimate.Reply:
        """What every engine would need for the program, and why those that cannot run it cannot."""
        from qmk import router
        from qmk.router.outputs import with_outputs

        known = self._look(self._rooms.setdefault(tenant, _Room()), graph, digest)("auto")
        candidates = router.explain(
            with_outputs(known, graph, outputs),
            shots,
            memory_bytes=self.memory_bytes,
            declarations=self._rating.declarations,
        )
        priced = [row for row in candidates if row.seconds is not None and row.memory_bytes is not None]
        return q_estimate.Reply(
            digest=digest,
            shots=shots,
            logical=msgspec.to_builtins(once(graph, "summary", summarise)),
            engines=[
                q_estimate.EngineEstimate(
                    engine=row.engine,
                    method=row.method,
                    seconds=row.seconds or 0.0,
                    memory_bytes=row.memory_bytes or 0,
                    fits=(row.memory_bytes or 0) <= self.memory_bytes,
                    note=row.reason,
                )
                for row in sorted(priced, key=lambda row: (bool(row.gaps), row.seconds or 0.0))
            ],
            gaps=[q_estimate.Gap(row.name, gap.need, gap.detail) for row in candidates for gap in row.gaps],
            chosen=next((row.engine for row in candidates if row.chosen), ""),
        )

    def resources(self, queued: int | None, running: int | None, workers: int) -> q_query_resources.Reply:
        """Devices, engines and capacity of this machine, with the kernel's queue figures."""
        return q_query_resources.Reply(
            devices=[q_query_resources.Device("ideal", IDEAL, [family.name for family in FAMILIES])],
            engines=[_engine_row(declaration) for declaration in self.declarations.values()],
            capacity={
                "memory_bytes": self.memory_bytes,
                "cpus": machine.cpus(),
                "workers": self._workers,
                **self.elsewhere(),
            },
            queue=q_query_resources.Queue(queued, running, workers),
        )


def native_method(engine: str | None) -> str:
    """The method of the native engine to predict for when this engine is wished for; "segments" for the engine of that
    name; "" when it is another one."""
    name, _, method = (engine or "").partition(":")
    if name == SEGMENTS:
        return SEGMENTS
    return (method or "auto") if name in ("", "native") else ""


def _engine_row(declaration: Declaration) -> q_query_resources.EngineRow:
    state = recently_available(declaration)
    return q_query_resources.EngineRow(
        name=declaration.name,
        doc=declaration.doc,
        methods=list(declaration.methods),
        available=state.ok,
        reason="" if state.ok else f"{', '.join(state.missing)} not installed: {state.hint}",
    )


def _alternative(row: Candidate) -> Alternative:
    return Alternative(
        engine=row.engine,
        method=row.method,
        seconds=row.seconds or 0.0,
        memory_bytes=row.memory_bytes or 0,
        uncertainty=row.uncertainty or 1.0,
        fenced=row.fences,
        may_fail=row.may_fail,
    )


def _load(external: External) -> Declaration:
    """The declaration of an engine that is not installed. Its module is light; the engine loads in its worker."""
    module, _, attribute = external.reference.partition(":")
    if external.path and external.path not in sys.path:
        sys.path.append(external.path)
    found = getattr(importlib.import_module(module), attribute, None)
    if not isinstance(found, Declaration):
        raise QmkError("INVALID_PARAMS", f"{external.reference} is not an engine declaration", field="engines")
    return found
