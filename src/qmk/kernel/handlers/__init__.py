"""Maps the name of each call to its handler. A handler raises QmkError before it changes anything, or answers the call.

To handle a new call, write ``handle(kernel, event, session)`` in one of the files here and name it in ``HANDLERS``;
calls that this release does not support need no row.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from qmk.kernel.events import CallReceived
from qmk.kernel.handlers import (
    capabilities,
    channels,
    checkpoints,
    jobs,
    operators,
    sessions,
    submit,
)
from qmk.kernel.objects.session import Session
from qmk.kernel.state import State

Handler = Callable[["State", "CallReceived", "Session"], None]

OPEN_HANDLERS: dict[str, Callable[[State, CallReceived], Any]] = {
    "q_negotiate_caps": sessions.negotiate,
    "q_query_resources": jobs.query_resources,
}
"""Calls that need no session."""

HANDLERS: dict[str, Handler] = {
    "q_submit": submit.submit,
    "q_status": jobs.status,
    "q_jobs": jobs.list_jobs,
    "q_wait": jobs.wait,
    "q_result": jobs.result,
    "q_cancel": jobs.cancel,
    "q_label": jobs.label,
    "q_delete": jobs.delete,
    "q_events": jobs.events,
    "q_get_telemetry": jobs.get_telemetry,
    "q_get_mapping": jobs.get_mapping,
    "q_program": jobs.show_program,
    "q_estimate": submit.estimate,
    "q_alloc": sessions.alloc,
    "q_release": sessions.release,
    "q_open_chan": channels.open_channel,
    "q_close_chan": channels.close_channel,
    "q_chan_status": channels.status,
    "q_channels": jobs.list_channels,
    "q_checkpoint": checkpoints.save,
    "q_checkpoints": jobs.list_checkpoints,
    "q_restore": checkpoints.restore,
    "q_migrate": checkpoints.migrate,
    "q_rollback": checkpoints.roll_back,
    "q_replay": checkpoints.replay,
    "q_delegate": capabilities.delegate,
    "q_revoke": capabilities.revoke,
    "q_close_session": sessions.close_session,
}

OPERATOR_HANDLERS: dict[str, Callable[[State, CallReceived], Any]] = {
    "op_tenant_add": operators.add,
    "op_tenant_set": operators.change,
    "op_tenant_list": operators.tenants,
    "op_tenant_suspend": operators.suspend,
    "op_tenant_resume": operators.resume,
    "op_token_issue": operators.issue,
    "op_token_list": operators.tokens_of,
    "op_token_revoke": operators.revoke,
    "op_gc": operators.collect,
    "op_jobs": operators.list_jobs,
}
"""Calls of the operator's socket."""
