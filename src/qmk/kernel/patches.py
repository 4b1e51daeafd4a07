"""Jobs on logical qubits: the host has written the program in the gates of a machine, and says what it takes there.

The kernel knows no codes. It verifies what was written as it did what was sent, and counts physical qubits as numbers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from qmk.base.errors import QmkError
from qmk.kernel import admission
from qmk.kernel.demand import counted, demand_of_record
from qmk.qvm.graph import digest
from qmk.qvm.outputs import require as require_outputs
from qmk.qvm.verify import verify

if TYPE_CHECKING:
    from qmk.kernel.events import Routed, Submitted
    from qmk.kernel.pending import Pending
    from qmk.kernel.state import State


def placed(kernel: State, pending: Pending, event: Routed) -> Submitted:
    """The draft of a job, as it is on its machine. Raises INVALID_GRAPH, or QUOTA_EXCEEDED with the number that
    exceeds a quota; INTERNAL_ERROR for an answer of the host that does not fit the job."""
    draft = pending.draft
    if event.footprint is None or "qec" not in draft.policy:
        raise QmkError("INTERNAL_ERROR", "the host's answer is not of the machine that the job asked for")
    graph = event.graph
    if graph is None or event.footprint.physical_qubits < 1:
        raise QmkError("INTERNAL_ERROR", "the host's answer lacks the program on its machine")
    error = verify(graph, held_caps=pending.held, tenant=draft.tenant).error()
    if error is not None:
        raise error
    if draft.keep_events:
        admission.require_event_room(graph, draft.shots)
    outputs = draft.outputs
    if outputs is not None:
        require_outputs(outputs, graph, draft.shots)
    made = msgspec.structs.replace(
        draft,
        digest=digest(graph),
        footprint=event.footprint,
        **counted(graph, draft.shots, draft.keep_events, outputs, bool(draft.policy.get("debug"))),
    )
    if made.epochs != draft.epochs:
        raise QmkError("INTERNAL_ERROR", "the program on its machine has other fences than the one that was sent")
    kernel.accounts.require_change(draft.job, demand_of_record(made), event.now_ns)
    return made
