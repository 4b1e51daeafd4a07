"""Reserved logical qubits: q_alloc, q_release."""

from __future__ import annotations

from qmk.abi.calls import q_alloc, q_release
from qmk.abi.rights import CAP_ALLOC
from qmk.base.ids import opaque
from qmk.kernel import authority
from qmk.kernel.events import CallReceived
from qmk.kernel.objects.session import Session
from qmk.kernel.state import State
from qmk.qvm import profile as profiles


def alloc(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_alloc.Request = event.params
    capability = authority.narrowest(kernel, session, CAP_ALLOC)
    spelling, note = _profile(kernel, request.profile) if request.profile else ("", "")
    for account in session.accounts:
        account.require_qubits(request.n)
    lead = opaque("lq", event.entropy)
    handles = [f"{lead}_{number}" for number in range(request.n)]
    session.qubits.update(dict.fromkeys(handles, capability.id))
    for account in session.accounts:
        account.take_qubits(request.n)
    kernel.reply(event, q_alloc.Reply(handles, spelling, note))


def release(kernel: State, event: CallReceived, session: Session) -> None:
    request: q_release.Request = event.params
    seen: set[str] = set()
    for index, handle in enumerate(request.handles):
        if handle not in session.qubits or handle in seen:
            raise kernel.refusals.not_held(handle, index, handle in seen)
        seen.add(handle)
    session.release(request.handles)
    authority.settle(kernel, session)
    kernel.reply(event, q_release.Reply(request.handles))


def _profile(kernel: State, text: str) -> tuple[str, str]:
    """The profile's one spelling and the note on what was granted; INVALID_PARAMS when it is none."""
    try:
        found = profiles.parse(text)
    except profiles.ProfileError as error:
        raise kernel.refusals.bad_profile(text, str(error)) from None
    return found.canonical, found.note
