"""Values that the calls' worked examples share: one session, one job, one program, one moment."""

from __future__ import annotations

from typing import Any

SESSION = "ses_example"
JOB = "job_example"
CHANNEL = "chan_example"
OTHER_JOB = "job_other"
CHECKPOINT = "chk_example"
TIME = 1767225600.0
"""2026-01-01 00:00:00 UTC, Unix seconds."""

BELL: dict[str, Any] = {
    "version": "0.1",
    "program": {
        "nodes": [
            {"id": "a", "op": "ALLOC_LQ", "args": {"n": 2}, "vqs": ["q0", "q1"], "caps": ["CAP_ALLOC"]},
            {"id": "h", "op": "APPLY_H", "vqs": ["q0"]},
            {"id": "cx", "op": "APPLY_CNOT", "vqs": ["q0", "q1"]},
            {"id": "m0", "op": "MEASURE_Z", "vqs": ["q0"], "produces": ["m0"]},
            {"id": "m1", "op": "MEASURE_Z", "vqs": ["q1"], "produces": ["m1"]},
            {"id": "f", "op": "FREE_LQ", "vqs": ["q0", "q1"]},
        ]
    },
    "resources": {"vqs": ["q0", "q1"], "chs": [], "events": ["m0", "m1"]},
    "caps": ["CAP_ALLOC"],
}

DIGEST = "abcab9eb67958292b7f08ced978980bc68b4860c87648f62f98f027967833c88"
"""Digest of ``BELL``, which tests compare with the real one."""

PROGRESS: dict[str, Any] = {
    "current_epoch": 1,
    "total_epochs": 1,
    "nodes_executed": 6,
    "nodes_total": 6,
    "shots_done": 2,
    "shots_total": 4,
    "rounds_done": 0,
    "rounds_total": 0,
}
"""Of a running job."""

CHANNEL_ROW: dict[str, Any] = {
    "channel": CHANNEL,
    "state": "PROPOSED",
    "peers": ["local", "bob"],
    "approved": ["local"],
    "fidelity": 0.9975015487828833,
    "fidelity_min": 0.99,
    "use_count": 0,
    "entanglements_max": 10_000,
    "expiry": TIME + 3600,
    "rounds": 2,
    "raw_pairs": 4.580166513047553,
    "proposed": TIME,
}

CHANNEL_STATE: dict[str, Any] = {**CHANNEL_ROW, "jobs": 0}
