"""What a program must pass before it may become a job."""

from __future__ import annotations

import hashlib
from typing import Any

import msgspec

from qmk.abi import shapes
from qmk.base.errors import Finding, QmkError
from qmk.base.limits import LIMITS, check
from qmk.kernel.config import CAP_DEBUG, KernelConfig
from qmk.kernel.objects.capability import insufficient
from qmk.kernel.objects.session import Session
from qmk.qvm.graph import Graph
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
    if policy.qec is not None:
        raise QmkError(
            "UNSUPPORTED",
            "error-corrected devices are not in this release",
            feature="qec",
            planned="a later release",
            help="leave policy.qec out",
        )
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


def shots_of(asked: int | None, graph: Graph, config: KernelConfig) -> int:
    """Shots asked for, else the graph's own, else the default; QUOTA_EXCEEDED above the bound of the system."""
    shots = asked if asked is not None else graph.shots if graph.shots is not None else config.default_shots
    if shots < 1:
        raise QmkError("INVALID_PARAMS", f"shots must be at least 1, not {shots}", field="shots", expected="int >= 1")
    check("shots", shots)
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


def require_deadline(policy: shapes.Policy, epochs: int) -> None:
    if policy.deadline_epochs is not None and policy.deadline_epochs < epochs:
        raise QmkError(
            "INVALID_PARAMS",
            f"the program has {epochs} epochs, so deadline_epochs = {policy.deadline_epochs} cannot be met",
            field="policy.deadline_epochs",
            expected=f"int >= {epochs}",
        )


def request_digest(digest: str, shots: int, policy: dict[str, Any], keep_events: bool) -> str:
    """What makes two submits with one idempotency key the same request."""
    return hashlib.sha256(_CANONICAL.encode([digest, shots, policy, keep_events])).hexdigest()
