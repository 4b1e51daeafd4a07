"""Answers to the kernel's ``Route`` and ``Estimate``: the program on its machine, if it names one, then an engine."""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec

from qmk.abi.shapes import Footprint, Qec
from qmk.base.errors import QmkError
from qmk.host.answers import Replies
from qmk.host.native_scripts import require_time_limit
from qmk.host.patches import Wish, Writing, Written
from qmk.host.routing import Routing, native_method
from qmk.host.translations import Wanted
from qmk.kernel import effects as fx
from qmk.kernel import events as ev
from qmk.qvm.graph import pack

log = logging.getLogger("qmk.host")


class Choosing:
    """``feed`` takes the kernel's events; ``held_for`` gives the capabilities that a waiting job is verified for. A
    program for a machine may be written later; a defect in what follows then is answered like any other error, and ends
    nothing else."""

    def __init__(
        self,
        routing: Routing,
        writing: Writing,
        replies: Replies,
        feed: Callable[[ev.Event], None],
        clock_ns: Callable[[], int],
        held_for: Callable[[str], frozenset[str]],
    ) -> None:
        self._routing = routing
        self._writing = writing
        self._replies = replies
        self._feed = feed
        self._clock_ns = clock_ns
        self._held_for = held_for

    def route(self, effect: fx.Route) -> None:
        named: Any = effect.policy.get("qec")
        if named is None:
            self._choose(effect)
        else:
            qec = msgspec.convert(named, Qec)
            native = native_method(effect.policy.get("engine"))
            wanted = Wanted(self._held_for(effect.job), effect.tenant, native=native)
            wish = Wish(effect.packed, qec, effect.tenant, self._clock_ns() / 1e9, wanted=wanted)
            self._writing.write(wish, partial(self._choose_written, effect))

    def _choose_written(self, effect: fx.Route, written: Written | None, error: QmkError | None) -> None:
        if written is None:
            assert error is not None
            self._refuse(effect, error)
            return
        changed = {"graph": written.graph, "digest": written.digest, "packed": written.packed}
        try:
            self._choose(msgspec.structs.replace(effect, **changed), written.footprint)
        except Exception:
            log.exception("routing a program on its machine failed")
            self._refuse(effect, _defect())

    def _choose(self, effect: fx.Route, footprint: Footprint | None = None) -> None:
        now_ns = self._clock_ns()
        assert effect.graph is not None
        engine = effect.policy.get("engine")
        try:
            decision = self._routing.choose(
                effect.graph,
                effect.digest,
                effect.shots,
                engine,
                effect.outputs,
                effect.packed,
                tenant=effect.tenant,
                floor=effect.isolation,
                resources=effect.policy.get("resources"),
            )
            require_time_limit(decision.engine, effect.policy)
        except QmkError as error:
            self._refuse(effect, error)
            return
        self._feed(
            ev.Routed(
                now_ns=now_ns,
                job=effect.job,
                engine=decision.engine,
                method=decision.method,
                seconds=decision.seconds,
                memory_bytes=decision.memory_bytes,
                reasons=decision.reasons,
                fenced=decision.fenced and not (effect.outputs is not None and effect.outputs.split),
                blocks=self._routing.blocks(effect.outputs, decision),
                uncertainty=decision.uncertainty,
                alternatives=decision.alternatives,
                version=decision.version,
                footprint=footprint,
                graph=effect.graph if footprint is not None else None,
            )
        )

    def _refuse(self, effect: fx.Route, error: QmkError) -> None:
        kind, fields = error.kind.name, msgspec.to_builtins(error.fields)
        now_ns = self._clock_ns()
        self._feed(ev.Refused(now_ns=now_ns, job=effect.job, kind=kind, message=error.message, fields=fields))

    def estimate(self, effect: fx.Estimate) -> None:
        assert effect.graph is not None
        if effect.qec is None:
            self._estimate(effect)
        else:
            wanted = Wanted(None, effect.tenant, all_rights=True, native="auto", summary=True)
            wish = Wish(pack(effect.graph), effect.qec, effect.tenant, self._clock_ns() / 1e9, wanted=wanted)
            self._writing.write(wish, partial(self._estimate_written, effect))

    def _estimate_written(self, effect: fx.Estimate, written: Written | None, error: QmkError | None) -> None:
        if written is None:
            assert error is not None
            self._replies.refuse(effect.conn, effect.ref, error)
            return
        try:
            changed = msgspec.structs.replace(effect, graph=written.graph, digest=written.digest)
            self._estimate(changed, written.footprint)
        except Exception:
            log.exception("estimating a program on its machine failed")
            self._replies.refuse(effect.conn, effect.ref, _defect())

    def _estimate(self, effect: fx.Estimate, footprint: Footprint | None = None) -> None:
        assert effect.graph is not None
        try:
            found = self._routing.estimate(
                effect.graph, effect.digest, effect.shots, effect.outputs, tenant=effect.tenant
            )
        except QmkError as error:
            self._replies.refuse(effect.conn, effect.ref, error)
            return
        told = msgspec.to_builtins(effect.warnings)
        result = msgspec.structs.replace(found, footprint=footprint, warnings=told)
        self._replies.answer(effect.conn, effect.ref, result)


def _defect() -> QmkError:
    return QmkError("INTERNAL_ERROR", "a defect in QMK; the daemon's log has more")
