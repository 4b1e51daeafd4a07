"""The calls of the ABI. To add a call, write ``q_<name>.py`` and add it to ``CALLS``; decoder, docs, client and tests
derive from the declaration."""

from __future__ import annotations

from qmk.abi.call import Call
from qmk.abi.calls import (
    q_alloc,
    q_cancel,
    q_chan_status,
    q_channels,
    q_checkpoint,
    q_checkpoints,
    q_close_chan,
    q_close_session,
    q_delegate,
    q_delete,
    q_estimate,
    q_events,
    q_get_mapping,
    q_get_telemetry,
    q_jobs,
    q_label,
    q_migrate,
    q_negotiate_caps,
    q_open_chan,
    q_program,
    q_query_resources,
    q_release,
    q_replay,
    q_restore,
    q_result,
    q_revoke,
    q_rollback,
    q_status,
    q_submit,
    q_wait,
)

CALLS: tuple[Call, ...] = (
    q_negotiate_caps.CALL,
    q_submit.CALL,
    q_status.CALL,
    q_jobs.CALL,
    q_wait.CALL,
    q_result.CALL,
    q_cancel.CALL,
    q_label.CALL,
    q_delete.CALL,
    q_events.CALL,
    q_get_telemetry.CALL,
    q_get_mapping.CALL,
    q_program.CALL,
    q_estimate.CALL,
    q_query_resources.CALL,
    q_alloc.CALL,
    q_release.CALL,
    q_revoke.CALL,
    q_close_session.CALL,
    q_checkpoint.CALL,
    q_checkpoints.CALL,
    q_restore.CALL,
    q_migrate.CALL,
    q_rollback.CALL,
    q_replay.CALL,
    q_open_chan.CALL,
    q_close_chan.CALL,
    q_chan_status.CALL,
    q_channels.CALL,
    q_delegate.CALL,
)

BY_NAME: dict[str, Call] = {call.name: call for call in CALLS}

METHODS: dict[str, Call] = {name: call for call in CALLS for name in (call.name, *call.aliases)}
"""Every accepted method name, aliases included, to its call."""
