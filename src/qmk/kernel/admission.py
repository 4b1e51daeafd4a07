"""What a program must pass before it may become a job."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from qmk.abi import shapes
from qmk.abi.rights import CAP_DEBUG
from qmk.base.decoding import THROTTLE_LOAD
from qmk.base.errors import Finding, QmkError
from qmk.base.limits import LIMITS, check
from qmk.base.units import bytes_text
from qmk.kernel.config import KernelConfig
from qmk.kernel.events import Submitted
from qmk.kernel.objects.capability import insufficient
from qmk.kernel.objects.session import Session
from qmk.qvm.graph import Graph
from qmk.qvm.outputs import Outputs
from qmk.qvm.verify import verify

_CANONICAL = msgspec.json.Encoder(order="deterministic")


def require_graph(graph: Graph | None) -> Graph:
    if graph is None:
        raise QmkError(
            "INVALID_PARAMS",
            "neither 'graph' nor 'program' is given",
            field="graph",
            help="send graph (QVM JSON) or program (source text)",
        )
    return graph


def verified(graph: Graph, session: Session) -> list[Finding]:
    """The verifier's warnings. Raises INSUFFICIENT_CAPS when capabilities are all that is wrong, else INVALID_GRAPH
    with every finding."""
    report = verify(graph, held_caps=session.caps.held, tenant=session.tenant.name)
    error = report.error()
    if error is not None:
        raise error
    return list(report.warnings)


def require_policy(policy: shapes.Policy, session: Session, config: KernelConfig) -> None:
    """Refuses wishes that this release or this session cannot honour."""
    if policy.device not in config.devices:
        raise QmkError(
            "UNSUPPORTED",
            f"there is no device '{policy.device}'; devices: {', '.join(config.devices)}",
            feature="device",
            gaps=[],
            devices=list(config.devices),
        )
    if policy.debug and CAP_DEBUG not in session.caps.held:
        raise insufficient((CAP_DEBUG,), session.caps.held)


def shots_of(asked: int | None, graph: Graph, session: Session, config: KernelConfig) -> int:
    """Shots asked for, else the graph's own, else the default; QUOTA_EXCEEDED above the bounds of the system and of the
    session's token. The quota is asked later, with the others."""
    shots = asked if asked is not None else graph.shots if graph.shots is not None else config.default_shots
    if shots < 1:
        raise QmkError("INVALID_PARAMS", f"shots must be at least 1, not {shots}", field="shots", expected="int >= 1")
    check("shots", shots)
    most = session.caps.shots()
    if most is not None and shots > most:
        raise QmkError(
            "QUOTA_EXCEEDED",
            f"{shots} shots exceed the {most} shots a job that the session's token or capability allows",
            quota="token_shots",
            asked=shots,
            limit=most,
        )
    return shots


def require_event_room(graph: Graph, shots: int) -> None:
    """QUOTA_EXCEEDED when the per-shot events (at one bit an event) would not fit what is kept for a job."""
    asked = shots * -(-len(graph.events) // 8)
    if asked > LIMITS.event_bytes:
        raise QmkError(
            "QUOTA_EXCEEDED",
            f"per-shot events of {shots} shots need {asked} bytes, above the limit 'event_bytes'",
            quota="event_bytes",
            asked=asked,
            limit=LIMITS.event_bytes,
            help="submit with keep_events false to keep only the counts",
        )


def no_room(record: Submitted, config: KernelConfig) -> QmkError | None:
    """RESOURCE_EXHAUSTED, with the numbers, for a job that the machine could not run if nothing else did."""
    if config.memory_bytes and record.memory_bytes > config.memory_bytes:
        return QmkError(
            "RESOURCE_EXHAUSTED",
            f"the job is predicted to need {bytes_text(record.memory_bytes)} on engine '{record.engine}', and the "
            f"machine runs jobs of {bytes_text(config.memory_bytes)} together",
            resource="memory_bytes",
            asked=record.memory_bytes,
            limit=config.memory_bytes,
            help="fewer qubits, or another engine",
            retryable=False,
        )
    again = record.replay_of or record.restored_from  # of a job whose noise rose: it runs with nothing beside it
    load = 0.0 if record.footprint is None or again else record.footprint.decoder_load
    if not load <= THROTTLE_LOAD:
        return QmkError(
            "RESOURCE_EXHAUSTED",
            f"the job alone would load the decoder with {load:.2f} of its time, and no job is launched above "
            f"{THROTTLE_LOAD}",
            resource="decoder_load",
            asked=load,
            limit=THROTTLE_LOAD,
            help="a smaller distance, fewer qubits or fewer factories; or more cores that decode",
            retryable=False,
        )
    widths = config.region_qubits
    widest = max(widths, key=widths.__getitem__)
    if record.width > widths[widest]:
        physical = record.footprint is not None
        return QmkError(
            "RESOURCE_EXHAUSTED",
            f"the job needs {record.width} {'physical ' if physical else ''}qubits in one region of the device, and "
            f"the largest, '{widest}', has {widths[widest]}",
            resource="physical_qubits" if physical else "qubits",
            asked=record.width,
            limit=widths[widest],
            help="a smaller distance, fewer qubits or fewer factories"
            if physical
            else "fewer qubits alive at once: free those that are measured",
            retryable=False,
        )
    return None


def request_digest(
    digest: str, shots: int, policy: dict[str, Any], keep_events: bool, outputs: Outputs | None = None
) -> str:
    """What makes two submits with one idempotency key the same request."""
    said = [digest, shots, policy, keep_events]
    return hashlib.sha256(_CANONICAL.encode(said if outputs is None else [*said, outputs])).hexdigest()
