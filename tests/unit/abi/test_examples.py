"""Every call's worked example is what a kernel really answers."""

from __future__ import annotations

from typing import Any

import pytest

from qmk.abi.call import Call
from qmk.abi.calls import CALLS
from tests.exchanges import CHANNEL, CHECKPOINT, EXAMPLES, JOB, OTHER_JOB, SESSION

EXCERPTS = frozenset({"limits", "families", "quota"})
"""Tables of which an example shows some rows only."""


def prepare(host: Any, call: Call) -> dict[str, str]:
    """Brings the kernel to where the example starts; real ids by the example's names for them."""
    if call.name in ("q_negotiate_caps", "q_query_resources"):
        return {}
    names = {SESSION: host.open()}
    if call.name == "q_delegate":
        names["cap_example"] = host.kernel.sessions.get(names[SESSION]).caps.root.id
    if call.name == "q_revoke":
        names["cap_example"] = next(iter(host.kernel.sessions.get(names[SESSION]).caps.root.children)).id
        names["lq_example"] = host.send("q_alloc", session_id=names[SESSION], n=1)["handles"][0]
    if call.name in ("q_release", "q_close_session"):
        handles = host.send("q_alloc", session_id=names[SESSION], n=2)["handles"]
        names["lq_example"] = handles[0].removesuffix("_0")
    if call.name in ("q_open_chan", "q_delegate"):
        host.neighbour()
    if "channel" in EXAMPLES[call.name][0]:
        names[CHANNEL] = host.channel(names[SESSION])
    if call.name == "q_channels":
        names[CHANNEL] = host.channel(names[SESSION])
    if call.name in ("q_checkpoint", "q_checkpoints", "q_restore", "q_migrate", "q_rollback"):
        names[JOB] = host.fenced_job(names[SESSION])
        host.run(upto=0)
        if call.name in ("q_restore", "q_checkpoints"):
            saved = host.send("q_checkpoint", session_id=names[SESSION], job_id=names[JOB])
            names[CHECKPOINT] = saved["checkpoint_id"]
    elif "job_id" in EXAMPLES[call.name][0] or "jobs" in EXAMPLES[call.name][0] or call.name == "q_jobs":
        names[JOB] = host.job(names[SESSION])
        if call.name in ("q_status", "q_jobs", "q_cancel", "q_get_telemetry"):
            host.run(upto=2)
        else:
            host.run()
    return names


def renamed(value: Any, names: dict[str, str]) -> Any:
    if isinstance(value, str):
        for old, new in names.items():
            if value == old or value.startswith(old + "_"):
                return new + value.removeprefix(old)
        return value
    if isinstance(value, dict):
        return {key: renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [renamed(item, names) for item in value]
    return value


def forget_ids(value: Any, known: dict[str, str]) -> Any:
    """Opaque handles made by the call itself, and those it was given (``known``), as the examples write them."""
    if isinstance(value, str) and value in known:
        return known[value]
    if isinstance(value, str) and value.startswith("job_") and JOB in known.values():
        return OTHER_JOB
    if isinstance(value, str) and value[:4] in ("ses_", "job_", "cap_", "chk_"):
        return value[:4] + "example"
    if isinstance(value, str) and value.startswith("chan_"):
        return "chan_example"
    if isinstance(value, str) and value.startswith("lq_"):
        return "lq_example" + (value[value.rindex("_") :] if value.count("_") > 1 else "")
    if isinstance(value, dict):
        return {key: forget_ids(item, known) for key, item in value.items()}
    if isinstance(value, list):
        return [forget_ids(item, known) for item in value]
    return value


def actual(host: Any, call: Call) -> Any:
    params, result = EXAMPLES[call.name]
    names = prepare(host, call)
    host.host_part = result
    seconds = 2.0 if call.name in ("q_wait", "q_result", "q_events") else 1.0
    known = {real: name for name, real in names.items() if name in (JOB, CHECKPOINT)}
    return forget_ids(host.call(call, renamed(params, names), seconds), known)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_example_is_what_the_kernel_answers(host: Any, call: Call) -> None:
    answer = actual(host, call)
    expected = EXAMPLES[call.name][1]
    for name in EXCERPTS & expected.keys():
        rows = answer[name]
        if isinstance(rows, dict):
            answer[name] = {key: rows[key] for key in expected[name]}
        else:
            answer[name] = [row for row in rows if row in expected[name]]
    assert answer == expected
