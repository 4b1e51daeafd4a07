"""Scripts: jobs whose runs are jobs of their own.

A running script has a session, which nobody but the host can use (``HOST_UID``). It has what the session that submitted
the script had, and no more; it ends with the script, and its runs that have not ended are cancelled with it. A script
takes no worker slot, no place on the map and none of its tenant's running jobs: its runs do.
"""

from __future__ import annotations

from typing import Any

from msgspec import structs

from qmk.abi.rights import JOB_RIGHTS
from qmk.base.errors import QmkError
from qmk.base.limits import LIMITS
from qmk.kernel.events import CallReceived, Cancelled, Submitted
from qmk.kernel.objects.job import QUEUED, RUNNING, Job
from qmk.kernel.objects.script import HOST_UID, SESSION, ScriptRights
from qmk.kernel.objects.session import Session
from qmk.kernel.opening import open_session
from qmk.kernel.tables import Tables
from qmk.kernel.tokens import Bearer

ENDED = "the script that ran it has ended"


def rights_of(kernel: Tables, event: CallReceived, session: Session) -> ScriptRights:
    """What a script of this caller may do. Raises UNSUPPORTED for a script that submits another, which could wait for
    its own place, and for a session whose rights are counted, or that has quotas of its own: they are not divided."""
    if event.peer_uid == HOST_UID or session.caps.metered or session.account is not None:
        raise kernel.refusals.no_script(nested=event.peer_uid == HOST_UID)
    return ScriptRights(tuple(sorted(session.caps.held)), session.serial, session.bounds)


def divide(kernel: Tables, draft: Submitted, blocks: int) -> dict[str, Any]:
    """The fields of a record that is divided into blocks, as its router wishes; none where its session could submit no
    script, is closed, or has counted on the whole: it is then one launch, which gives the same bits."""
    session = kernel.sessions.get(draft.session)
    if blocks < 2 or session is None or session.id.startswith(SESSION):
        return {}
    if session.caps.metered or session.account is not None or draft.channels or "qec" in draft.policy:
        return {}
    rights = ScriptRights(tuple(sorted(session.caps.held)), session.serial, session.bounds)
    return {"script": rights, "blocks": min(blocks, LIMITS.script_runs), "fenced": False}


def open_for(kernel: Tables, job: Job, fence: int) -> None:
    """Opens the session of a script that is launched, unless it has one. It holds what both its submitter held then,
    and its tenant may hold now; nothing once its submitter's token is void."""
    given = job.submitted.script
    if given is None or kernel.sessions.get(SESSION + job.id) is not None:
        return
    void = bool(given.serial) and not kernel.tenants.live(job.tenant, given.serial)
    held = frozenset[str]() if void else frozenset(given.held)
    bounds = structs.replace(given.bounds, rights=held)
    names = sorted(held.intersection(kernel.tenant(job.tenant).config.allowed_caps) - {*JOB_RIGHTS})
    entropy = f"{job.id} {fence}".encode()
    bearer = Bearer(job.tenant, given.serial, bounds)
    open_session(kernel, SESSION + job.id, entropy, bearer, names, conn=HOST_UID, uid=HOST_UID)


def end(kernel: Tables, job: Job) -> None:
    """Ends the session of a script that has ended, and cancels what it runs."""
    id = SESSION + job.id
    for pending in [each for each in kernel.pending.values() if each.draft.session == id]:
        kernel.pending.take(pending.draft.job)
        kernel.drop_pending(pending, QmkError("JOB_CANCELLED", ENDED, job_id=pending.draft.job))
    for state in (QUEUED, RUNNING):
        for run in kernel.jobs.listed.oldest((job.tenant, state, id)):
            if kernel.jobs.by_id.live[run].submitted.session == id:  # anybody may write such a tag
                kernel.stop(kernel.jobs.by_id.live[run], Cancelled(now_ns=kernel.now_ns, job=run, reason=ENDED))
    session = kernel.sessions.get(id)
    if session is not None:
        kernel.end_session(session, "its script has ended")
