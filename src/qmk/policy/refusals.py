"""How refusals are worded: what was asked, what is allowed, and what to write instead. The kernel decides them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from qmk.abi.quotas import JOB_ENDS, QUOTAS
from qmk.abi.rights import DELEGABLE, RIGHTS
from qmk.base.decoding import THROTTLE_LOAD
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.base.units import MS_NS, SECOND_NS, bytes_text, seconds_text
from qmk.kernel.events import Cancelled, Cause, Submitted
from qmk.kernel.objects.account import BOUND
from qmk.kernel.objects.capability import Capability
from qmk.kernel.objects.channel import CLOSED, PROPOSED, Channel
from qmk.kernel.objects.job import CANCELLED, FAILED, Job
from qmk.kernel.objects.quota import MINUTE_NS, SESSION, Quota, Rate, Spent
from qmk.qvm.graph import Node
from qmk.qvm.profile import EXAMPLE

_CALLS = {"wait": "q_wait and q_events", "ask": "q_checkpoint, q_migrate and q_rollback"}
_SMALLER = "a smaller distance, fewer qubits or fewer factories"


def _wrong(field: str, message: str, help: str = "", **fields: Any) -> QmkError:
    return QmkError("INVALID_PARAMS", message, field=field, **fields, **({"help": help} if help else {}))


def no_graph() -> QmkError:
    return _wrong("graph", "neither 'graph' nor 'program' is given", "send graph (QVM JSON) or program (source text)")


def no_device(device: str, devices: tuple[str, ...]) -> QmkError:
    return QmkError(
        "UNSUPPORTED",
        f"there is no device '{device}'; devices: {', '.join(devices)}",
        feature="device",
        gaps=[],
        devices=list(devices),
    )


def too_many_events(shots: int, asked: int) -> QmkError:
    return QmkError(
        "QUOTA_EXCEEDED",
        f"per-shot events of {shots} shots need {asked} bytes, above the limit 'event_bytes'",
        quota="event_bytes",
        asked=asked,
        limit=LIMITS.event_bytes,
        help="submit with keep_events false to keep only the counts",
    )


def no_memory(record: Submitted, limit: int) -> QmkError:
    return QmkError(
        "RESOURCE_EXHAUSTED",
        f"the job is predicted to need {bytes_text(record.memory_bytes)} on engine '{record.engine}', and the "
        f"machine runs jobs of {bytes_text(limit)} together",
        resource="memory_bytes",
        asked=record.memory_bytes,
        limit=limit,
        help="fewer qubits, or another engine",
        retryable=False,
    )


def no_decoder(load: float) -> QmkError:
    return QmkError(
        "RESOURCE_EXHAUSTED",
        f"the job alone would load the decoder with {load:.2f} of its time, and no job is launched above "
        f"{THROTTLE_LOAD}",
        resource="decoder_load",
        asked=load,
        limit=THROTTLE_LOAD,
        help=f"{_SMALLER}; or more cores that decode",
        retryable=False,
    )


def no_region(record: Submitted, region: str, qubits: int) -> QmkError:
    """``region`` is the largest."""
    physical = record.footprint is not None
    return QmkError(
        "RESOURCE_EXHAUSTED",
        f"the job needs {record.width} {'physical ' if physical else ''}qubits in one region of the device, and "
        f"the largest, '{region}', has {qubits}",
        resource="physical_qubits" if physical else "qubits",
        asked=record.width,
        limit=qubits,
        help=_SMALLER if physical else "fewer qubits alive at once: free those that are measured",
        retryable=False,
    )


def narrow_region(region: str, qubits: int, width: int) -> QmkError:
    return QmkError(
        "RESOURCE_EXHAUSTED",
        f"region '{region}' has {qubits} qubits, the job needs {width}",
        resource="qubits",
        asked=width,
        limit=qubits,
        retryable=False,
    )


def unknown_region(region: str, regions: Iterable[str]) -> QmkError:
    names = ", ".join(regions)
    return _wrong("region", f"the device has no region '{region[:64]}'", f"regions: {names}", expected=names)


def no_growth(region: str, width: int) -> QmkError:
    return QmkError(
        "RESOURCE_EXHAUSTED",
        f"the job was sent to region '{region}', which has no {width} qubits",
        resource="physical_qubits",
        asked=width,
    )


def already_ended(job: Job) -> QmkError:
    return QmkError(
        "ALREADY_COMPLETED",
        f"the job is {job.state} already",
        job_id=job.id,
        state=job.state,
        help="q_replay runs it again with the same bits",
    )


def overtaken(asked: str, region: str) -> QmkError:
    return _wrong("region", f"a later q_migrate sends the job to region '{region}', not to '{asked}'", expected=region)


def not_passed(asked: int, reached: int) -> QmkError:
    return _wrong(
        "epoch",
        f"the job has {reached} epochs behind it, so it cannot go back to the end of epoch {asked}",
        expected=f"int 0 to {reached}",
    )


def past_last_fence(asked: int, last: int) -> QmkError:
    return _wrong(
        "epoch",
        f"the program has {last} fences, so there is no end of epoch {asked} to go back to",
        expected=f"int 0 to {last}",
    )


def too_many_checkpoints(held: int) -> QmkError:
    return QmkError(
        "QUOTA_EXCEEDED",
        f"the tenant keeps {held} checkpoints, which is the limit 'checkpoints'",
        quota="checkpoints",
        asked=held + 1,
        limit=LIMITS.checkpoints,
        help="they go with their jobs: qmk gc --older-than forgets old ones",
    )


def checkpoint_not_found(checkpoint_id: str) -> QmkError:
    return QmkError(
        "CHECKPOINT_NOT_FOUND",
        f"no checkpoint '{checkpoint_id[:64]}': it was never made, or is past its time, or went with its job",
        checkpoint_id=checkpoint_id[:64],
    )


def past_last_shot(from_shot: int, shots: int) -> QmkError:
    return _wrong(
        "from_shot", f"from_shot {from_shot} is past the last of {shots} shots", expected=f"int 0 to {shots - 1}"
    )


def unlisted_state(state: str, states: Iterable[str]) -> QmkError:
    names = ", ".join(states)
    return _wrong("state", f"no job is listed in state '{state}'", f"states: {names}", expected=names)


def no_map() -> QmkError:
    return _wrong(
        "job_id",
        "the job was submitted without policy.debug, so no map was kept",
        'submit it with policy {"debug": true}',
    )


def key_used(key: str, job_id: str) -> QmkError:
    return _wrong(
        "idempotency_key",
        f"idempotency_key '{key}' was used for another request (job {job_id})",
        "use a new key for a new request",
        job_id=job_id,
    )


def closing() -> QmkError:
    return QmkError("RESOURCE_EXHAUSTED", "the daemon is shutting down", resource="daemon", help="try again later")


def on_offer(offered: Capability) -> QmkError:
    """What is handed on derives from something held, so that it ends with the session that handed it on."""
    return _wrong(
        "capability",
        f"'{offered.id}' is on offer to this session, which hands on only what it holds",
        "take it up with q_delegate without a receiver, and hand on what that answers",
    )


def no_capability(id: str) -> QmkError:
    """The one answer to a capability that is absent, revoked, or another's."""
    return _wrong(
        "capability",
        f"this session holds no capability '{id[:64]}'",
        "ids are in q_negotiate_caps' granted; a revoked one is gone",
    )


def unknown_right(name: str, field: str) -> QmkError:
    return _wrong(field, f"'{name[:64]}' is not the name of a right", f"rights: {', '.join(RIGHTS)}")


def no_root(root: str) -> QmkError:
    return _wrong(
        "to_session", f"no session has the root '{root[:64]}'", "the receiver finds its root in q_negotiate_caps' reply"
    )


def jobs_not_named() -> QmkError:
    return _wrong("jobs", "a capability for another tenant names the jobs it is for", "give the job ids in jobs")


def not_delegable(right: str) -> QmkError:
    return _wrong(
        "rights", f"{right} cannot be given to another tenant", f"another tenant can be given {', '.join(DELEGABLE)}"
    )


def tenant_exists(name: str) -> QmkError:
    return _wrong("tenant", f"there is a tenant '{name}' already", "change it with op_tenant_set ('qmk tenant set')")


def no_tenant(name: str) -> QmkError:
    return _wrong("tenant", f"there is no tenant '{name}'", "op_tenant_add ('qmk tenant add') registers one")


def no_token(tenant: str, serial: str) -> QmkError:
    return _wrong(
        "serial",
        f"tenant '{tenant}' has no token '{serial[:64]}'",
        "op_token_list ('qmk tenant tokens') lists them; it may be revoked already",
    )


def too_many_on_connection() -> QmkError:
    limit = LIMITS.connection_sessions
    return QmkError(
        "QUOTA_EXCEEDED",
        f"{limit} sessions are open on this connection, which is the limit 'connection_sessions'",
        quota="connection_sessions",
        asked=limit + 1,
        limit=limit,
        help="close sessions with q_close_session",
    )


def quota_of_tenants(name: str) -> QmkError:
    own = ", ".join(name for name, row in QUOTAS.items() if row.per_session)
    return _wrong(f"quota.{name}", f"'{name}' is a quota of tenants only; a session may narrow {own}")


def wide_quota(name: str, bound: int, limit: int) -> QmkError:
    return _wrong(
        f"quota.{name}",
        f"a session's quota '{name}' is at most the tenant's {bound}, not {limit}",
        expected=f"int 0 to {bound}",
    )


def not_held(handle: str, index: int, twice: bool) -> QmkError:
    why = "is given twice" if twice else "is not held by this session, or was released before"
    return _wrong(
        f"handles[{index}]", f"q_release: '{handle[:64]}' {why}", "handles come from q_alloc and can be released once"
    )


def bad_profile(text: str, why: str) -> QmkError:
    return _wrong("profile", f"q_alloc: {why}", f"such as {EXAMPLE}", got=text)


def stray_channel(handle: str) -> QmkError:
    return _wrong(
        "policy.channels",
        f"policy.channels names '{handle[:64]}', which is not a channel that the program opens",
        "its keys are channel handles of the program, its values ids from q_open_chan",
    )


def channel_required(node: Node, owners: tuple[str, str]) -> QmkError:
    (a, b), handle = owners, node.chs[0]
    return QmkError(
        "CHANNEL_REQUIRED",
        f"node '{node.id}' opens a channel between tenants '{a}' and '{b}' without their leave",
        node=node.id,
        handle=handle,
        tenants=[a, b],
        help=f'let both call q_open_chan, then submit with policy {{"channels": {{"{handle}": "chan_..."}}}}',
    )


def not_invited(owner: str, node: Node) -> QmkError:
    return QmkError(
        "CHANNEL_REQUIRED",
        f"node '{node.id}' allocates qubits of tenant '{owner}', to whom no approved channel of the program leads",
        node=node.id,
        tenants=[owner],
        help="leave tenant_id out, or open a channel with that tenant (q_open_chan) and name it in policy.channels",
    )


def no_result(job: Job) -> QmkError:
    """Why there is no result; the failure's own error is in the fields."""
    if job.state == FAILED:
        assert job.error is not None
        if job.error.get("data", {}).get("name") == "TIMEOUT":  # the caller's own limit, not the engine's fault
            return QmkError("TIMEOUT", job.error["message"], job_id=job.id, error=job.error)
        return QmkError("JOB_FAILED", f"the job failed: {job.error['message']}", job_id=job.id, error=job.error)
    if job.state == CANCELLED:
        return QmkError("JOB_CANCELLED", "the job was cancelled", job_id=job.id, error=job.error)
    return QmkError(
        "NOT_COMPLETED",
        f"the job is {job.state}",
        job_id=job.id,
        state=job.state,
        help="q_wait answers when it has ended",
    )


def not_checkpointable(job: Job, why: str = "") -> QmkError:
    """Why a launch of the job cannot be saved or stopped where it is, and what to write instead."""
    record = job.submitted
    engine = f"engine '{record.engine}'" + (f" with method '{record.method}'" if record.method else "")
    if why:
        advice = "q_wait for its end, or q_cancel it"
    elif record.epochs == 1:
        why = "the program has no fence at which it could be stopped"
        advice = "put core.fence between parts of the program"
    else:
        why = f"{engine} cannot stop this program at its fences"
        advice = "submit it to an engine whose row in 'qmk engines' says fences"
    return QmkError("NOT_CHECKPOINTABLE", f"the job runs on: {why}", job_id=job.id, engine=record.engine, help=advice)


def end_error(job: Job, record: Cancelled) -> QmkError:
    """JOB_CANCELLED, or TIMEOUT where its time limit ended it."""
    if not record.timeout:
        text = f": {record.reason}" if record.reason else ""
        return QmkError("JOB_CANCELLED", f"the job was cancelled{text}", reason=record.reason)
    limit_ms = job.submitted.policy.get("timeout_ms", 0)
    return QmkError("TIMEOUT", f"the job did not end within timeout_ms = {limit_ms}", timeout_ms=limit_ms)


def lost_worker(cause: Cause, message: str, fields: dict[str, Any], count: int) -> QmkError:
    """Why a job is not launched again. ``count`` workers of it were lost for the reason of the last, which ``message``
    and ``fields`` tell."""
    workers = "1 worker" if count == 1 else f"{count} workers"
    match cause:
        case "killed":
            kind, rest = "RESOURCE_EXHAUSTED", f"by somebody outside QMK; the job has lost {workers} so"
            more: dict[str, Any] = {"help": "find out what ends processes on this machine, then submit the job again"}
        case "memory":
            kind, rest = "RESOURCE_EXHAUSTED", f"the job has lost {workers} so"
            help = "fewer qubits or shots, another engine, or a machine with more memory"
            more = {"help": help, "retryable": False}
        case "crashed":
            kind, rest, more = "JOB_FAILED", f"the program has ended {workers} of its engine and is not run again", {}
    return QmkError(kind, f"{message}; {rest}", **{**fields, "cause": cause, **more})


def no_channel(id: str, channel: Channel | None = None) -> QmkError:
    """Why a job may not use the channel, whatever it has left; ``channel`` is None where the caller sees none."""
    if channel is None:
        return QmkError("CHANNEL_NOT_FOUND", f"no channel '{id[:64]}'", channel=id[:64])
    fields = {"channel": channel.id, "state": channel.state}
    if channel.state == PROPOSED:
        waiting = f"tenant '{channel.peer}' has not approved channel {channel.id}"
        return QmkError("CHANNEL_NOT_APPROVED", waiting, **fields, help="the other tenant calls q_open_chan with it")
    if channel.state == CLOSED:
        return QmkError("CHANNEL_CLOSED", f"channel {channel.id} was closed by '{channel.closed_by}'", **fields)
    when = channel.expiry_ns / SECOND_NS
    return QmkError("CHANNEL_EXPIRED", f"channel {channel.id} expired", **fields, expiry=when)


def channel_of_others(channel: Channel, node: Node, owners: tuple[str, str]) -> QmkError:
    """``node`` opens a channel for ``owners``, and ``channel`` has other tenants."""
    joins = " and ".join(f"'{owner}'" for owner in dict.fromkeys(owners))
    message = f"node '{node.id}' opens a channel for {joins}, but {channel.id} is of other tenants"
    return QmkError("CHANNEL_MISMATCH", message, channel=channel.id, node=node.id, handle=node.chs[0])


def low_fidelity(channel: Channel, node: Node, asked: float) -> QmkError:
    return QmkError(
        "CHANNEL_MISMATCH",
        f"node '{node.id}' asks for pairs of fidelity {asked:g}; {channel.id} grants {channel.granted:.6g}",
        channel=channel.id,
        node=node.id,
        handle=node.chs[0],
        asked=asked,
        granted=channel.granted,
    )


def other_link(channel: Channel, node: Node, asked: float, granted: float) -> QmkError:
    message = f"node '{node.id}' counts on raw pairs of fidelity {asked:g}; the device's links make {granted:g}"
    return QmkError("CHANNEL_MISMATCH", message, channel=channel.id, node=node.id, asked=asked, granted=granted)


def too_few_pairs(channel: Channel, asked: int) -> QmkError:
    """Too few pairs are left for a job that asks for so many."""
    left = max(0, channel.pairs_left)
    return QmkError(
        "CHANNEL_EXHAUSTED",
        f"the job makes {asked} Bell pairs (over all its shots), but channel {channel.id} has {left} of "
        f"{channel.pairs_max} left",
        channel=channel.id,
        asked=asked,
        left=left,
        limit=channel.pairs_max,
        help="run fewer shots, or open a channel with more entanglements_max",
    )


def token_needed() -> QmkError:
    return QmkError(
        "AUTH_FAILED",
        "this daemon asks for a token",
        help="set QMK_TOKEN, or give --token-file; the operator makes one with 'qmk tenant token'",
    )


def quota_exceeded(quota: Quota, more: int, now_ns: int) -> QmkError:
    """A job or a call asks for ``more`` than is free. It may be tried again if ``more`` alone would fit."""
    of_one_job = quota.name in BOUND
    used = 0 if of_one_job else quota.in_use
    retryable, frees, fields = not of_one_job and more <= quota.bound, quota.row.frees, dict[str, Any]()
    if isinstance(quota, Rate) and quota.limit:
        next_ns = max(quota.ready_ns, now_ns) + MINUTE_NS // quota.limit - MINUTE_NS
        fields["retry_after_ms"] = -(-(next_ns - now_ns) // MS_NS)
        frees = f"in {seconds_text(fields['retry_after_ms'] / 1000)}"
    elif isinstance(quota, Spent) and more + quota.held > quota.bound:
        frees = JOB_ENDS  # what others reserve is charged or given back when their jobs end
    elif isinstance(quota, Spent):
        fields["retry_after_ms"] = max(1, -(-(quota.ends_ns - now_ns) // MS_NS))
        fields["period_end"] = quota.ends_ns / SECOND_NS
        frees = f"{frees}, in {seconds_text(fields['retry_after_ms'] / 1000)}"
    amount, unit = quota.in_units(more), quota.row.unit
    top = " of one job" if of_one_job else f" on top of {quota.in_units(used)}" if used else ""
    whose = "the session's quota" if quota.owner == SESSION else "the quota"
    return QmkError(
        "QUOTA_EXCEEDED",
        f"{_count_text(amount, unit)}{top} {'exceeds' if amount == 1 else 'exceed'} {whose} '{quota.name}' of "
        f"{_count_text(quota.limit, unit)}{f'; it is free again {frees}' if retryable and frees else ''}",
        quota=quota.name,
        asked=quota.in_units(used + more),
        limit=quota.limit,
        used=quota.in_units(used),
        scope="session" if quota.owner == SESSION else "tenant",
        retryable=retryable,
        **fields,
    )


def _count_text(amount: float, unit: str) -> str:
    """``1 call``, ``2 calls``."""
    return f"{amount} {unit.removesuffix('s') if amount == 1 else unit}"


def too_many_shots(shots: int, limit: int) -> QmkError:
    return QmkError(
        "QUOTA_EXCEEDED",
        f"{shots} shots exceed the {limit} shots a job that the session's token or capability allows",
        quota="token_shots",
        asked=shots,
        limit=limit,
    )


def no_room_for_graph(size_bytes: int, limit: int) -> QmkError:
    return QmkError(
        "RESOURCE_EXHAUSTED",
        f"there is no room for a graph of {size_bytes} bytes beside those of the jobs that wait; "
        f"'queued_bytes' is {limit}",
        resource="queued_bytes",
        asked=size_bytes,
        limit=limit,
        help="try again when jobs have ended",
    )


def too_many_open_calls(kind: str, limit: int) -> QmkError:
    return QmkError(
        "QUOTA_EXCEEDED",
        f"the session has {limit} open {_CALLS[kind]} calls, which is the limit 'open_waits'",
        quota="open_waits",
        asked=limit + 1,
        limit=limit,
        help="wait for several jobs with one call each, or open another session",
    )


def too_many_sessions(limit: int) -> QmkError:
    return QmkError(
        "QUOTA_EXCEEDED",
        f"{limit} sessions are open, which is the limit 'sessions'",
        quota="sessions",
        asked=limit + 1,
        limit=limit,
        help="close sessions with q_close_session",
    )


def nobody(local: str, call: str, field: str, could: str, help: str) -> QmkError:
    """Where there are no others: nobody ``could`` do what a call counts on. Where there are, their names are not told,
    and it goes through."""
    return _wrong(
        field,
        f"{call}: this daemon has no tenant but '{local}', so nobody {could}",
        f"{help}; an operator registers others with 'qmk tenant add'",
    )
