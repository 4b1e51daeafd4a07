"""The checks that a program must pass before it may become a job."""

from __future__ import annotations

import hashlib
from collections.abc import Hashable
from typing import Any

import msgspec

from qmk.abi import shapes
from qmk.abi.rights import CAP_DEBUG
from qmk.base.decoding import THROTTLE_LOAD
from qmk.base.errors import Finding, QmkError
from qmk.base.limits import LIMITS, check
from qmk.kernel.demand import measure
from qmk.kernel.events import Submitted
from qmk.kernel.objects.capability import insufficient
from qmk.kernel.objects.session import Session
from qmk.kernel.tables import Tables
from qmk.qvm.graph import Graph, once
from qmk.qvm.outputs import Outputs
from qmk.qvm.verify import verify
from qmk.qvm.verify.rule import Report

_CANONICAL = msgspec.json.Encoder(order="deterministic")


def require_graph(kernel: Tables, graph: Graph | None) -> Graph:
    if graph is None:
        raise kernel.refusals.no_graph()
    return graph


def report_name(held: frozenset[str] | None, tenant: str, strict: bool) -> Hashable:
    """The name of the verifier's report among what is known of a kept graph."""
    return "verified", held, tenant, strict


def report_of(graph: Graph, held: frozenset[str] | None, tenant: str, strict: bool = False) -> Report:
    """The verifier's report, which is known of a graph that another process has looked at."""
    name = report_name(held, tenant, strict)
    return once(graph, name, lambda it: verify(it, held_caps=held, strict=strict, tenant=tenant))


def verify_for(graph: Graph, session: Session, strict: bool = False) -> list[Finding]:
    """The verifier's warnings. Raises INSUFFICIENT_CAPS when capabilities are all that is wrong, else INVALID_GRAPH
    with every finding."""
    report = report_of(graph, session.caps.held, session.tenant.name, strict)
    if (error := report.error()) is not None:
        raise error
    return list(report.warnings)


def require_policy(kernel: Tables, policy: shapes.Policy, session: Session) -> None:
    """Refuses wishes that this release or this session cannot honour."""
    if policy.device not in kernel.config.devices:
        raise kernel.refusals.no_device(policy.device, kernel.config.devices)
    if policy.debug and CAP_DEBUG not in session.caps.held:
        raise insufficient((CAP_DEBUG,), session.caps.held)


def shots_of(kernel: Tables, asked: int | None, graph: Graph, session: Session) -> int:
    """Shots asked for, else the graph's own, else the default; QUOTA_EXCEEDED above the bounds of the system and of the
    session's token. The quota is asked later, with the others."""
    shots = asked if asked is not None else graph.shots if graph.shots is not None else kernel.config.default_shots
    if shots < 1:
        raise QmkError("INVALID_PARAMS", f"shots must be at least 1, not {shots}", field="shots", expected="int >= 1")
    check("shots", shots)
    most = session.caps.shots()
    if most is not None and shots > most:
        raise kernel.refusals.too_many_shots(shots, most)
    return shots


def require_event_room(kernel: Tables, graph: Graph, shots: int) -> None:
    """QUOTA_EXCEEDED when the per-shot events (at one bit an event) would not fit what is kept for a job."""
    asked = shots * -(-once(graph, "size", measure).events // 8)
    if asked > LIMITS.event_bytes:
        raise kernel.refusals.too_many_events(shots, asked)


def no_room(kernel: Tables, record: Submitted) -> QmkError | None:
    """RESOURCE_EXHAUSTED, with the numbers, for a job that no place could run if nothing else did."""
    config = kernel.config
    if config.memory_bytes and record.memory_bytes > config.memory_bytes:
        return kernel.refusals.no_memory(record, config.memory_bytes)
    again = record.replay_of or record.restored_from  # of a job whose noise rose: it runs with nothing beside it
    load = 0.0 if record.footprint is None or again else record.footprint.decoder_load
    if not load <= THROTTLE_LOAD:
        return kernel.refusals.no_decoder(load)
    widest = kernel.jobs.queue.capacity.widest_region
    if record.width > (qubits := widest.end - widest.base):
        return kernel.refusals.no_region(record, widest.name, qubits)
    return None


def request_digest(
    digest: str, shots: int, policy: dict[str, Any], keep_events: bool, outputs: Outputs | None = None
) -> str:
    """What makes two submits with one idempotency key the same request."""
    said = [digest, shots, policy, keep_events]
    return hashlib.sha256(_CANONICAL.encode(said if outputs is None else [*said, outputs])).hexdigest()
