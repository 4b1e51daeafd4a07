"""What both clients share: requests from plain arguments, replies from bytes, errors that say what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from qmk.abi.call import Call
from qmk.abi.calls import q_events, q_negotiate_caps, q_submit, q_wait
from qmk.base.errors import QmkError
from qmk.rpc import frame
from qmk.rpc.forks import ForkedLock

ENDED = frozenset({"COMPLETED", "FAILED", "CANCELLED"})


def negotiate_request(
    requested: list[str] | None, token: str, quota: Mapping[str, int] | None = None
) -> q_negotiate_caps.Request:
    return q_negotiate_caps.Request(requested=requested, token=token, quota=None if quota is None else dict(quota))


_building = ForkedLock()


@cache
def _decoder(reply: type) -> msgspec.json.Decoder[Any]:
    with _building:  # two threads that meet a struct for the first time at once crash the process (msgspec 0.22)
        return msgspec.json.Decoder(reply)


def line_of(numbers: Sequence[int], asked: Sequence[tuple[Call, Any]]) -> bytes:
    """A call with its request as one line, or several of them as a batch.

    Raises INVALID_PARAMS when an argument is of the wrong type or out of range."""
    made: list[bytes] = []
    for number, (call, request) in zip(numbers, asked, strict=True):
        try:
            made.append(frame.request(number, call.name, request))
        except (msgspec.EncodeError, TypeError, OverflowError) as error:
            raise QmkError("INVALID_PARAMS", f"{call.name}: {error}") from error
    return (made[0] if len(made) == 1 else b"".join(frame.batch(made))) + b"\n"


def reply_of(call: Call, answer: frame.Answer) -> Any:
    """The call's ``Reply``; raises the error the daemon answered."""
    if answer.error is not None:
        raise answer.error
    try:
        return _decoder(call.reply).decode(answer.result or b"null")
    except msgspec.ValidationError as error:
        raise QmkError("CONNECTION_LOST", f"the daemon's answer to {call.name} does not fit: {error}") from error


def has_news(reply: q_wait.Reply | q_events.Reply) -> bool:
    """Whether a call that waits has been answered before its time was over."""
    if isinstance(reply, q_events.Reply):
        return bool(reply.events) or reply.ended
    return reply.state in ENDED


def reply_or_error(call: Call, answer: frame.Answer) -> Any:
    """The call's ``Reply``, or the error that the daemon answered."""
    try:
        return reply_of(call, answer)
    except QmkError as refused:
        return refused


def not_running(path: Path | str, error: OSError) -> QmkError:
    """Why there is no connection, with the fix."""
    if isinstance(error, (FileNotFoundError, ConnectionRefusedError)):
        why = f"no daemon listens at {path}"
    else:
        why = f"cannot connect to {path}: {(error.strerror or str(error)).lower()}"
    return QmkError("CONNECTION_LOST", why, socket=str(path), connected=False, hint="start it with 'qmk serve'")


def connection_lost(path: Path | str, call: Call) -> QmkError:
    """The connection broke between a call and its answer."""
    hint = "jobs it has accepted go on; connect again and ask"
    if call is q_submit.CALL:
        hint = "whether the job was accepted is unknown; submit again with the same idempotency_key to be sure"
    if str(path).startswith("https:"):
        hint += "; a gateway that asks for a certificate closes it too: cert=..., --cert REFERENCE"
    return QmkError("CONNECTION_LOST", f"the daemon at {path} closed the connection", socket=str(path), hint=hint)


def stopped_waiting(path: Path | str) -> QmkError:
    """The daemon answered a wait before the job's end, as it does when it stops."""
    return QmkError("CONNECTION_LOST", f"the daemon at {path} is stopping", socket=str(path), hint="wait again later")


def insufficient_for_result() -> QmkError:
    return QmkError(
        "INSUFFICIENT_CAPS",
        "the job is COMPLETED, and the session may not read its result",
        required=["CAP_RESULT"],
        missing=["CAP_RESULT"],
        help="use a token that allows CAP_RESULT",
    )


def job_ended_badly(state: str, error: dict[str, Any] | None) -> QmkError:
    """The error of a job that has no result."""
    if error is not None:
        return QmkError.from_dict(error)
    if state == "COMPLETED":
        return insufficient_for_result()
    return QmkError("JOB_FAILED", f"the job is {state}", state=state)
